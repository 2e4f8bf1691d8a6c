//! Names of keys beside those of images.

use crate::cache::memory::KeyBeside;

/// The names of one run, all of which begin with its prefix.
#[derive(Debug)]
pub(in crate::live) struct Keys {
    prefix: String,
}

impl Keys {
    /// Names under a prefix, which may be empty where the server is one's own.
    pub(in crate::live) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// An image's key as the origin knows it, without the prefix.
    pub(in crate::live) fn at_the_origin<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&self.prefix).unwrap_or(key)
    }

    /// The lock or lease of an image's key, which begins with the prefix already.
    pub(in crate::live) fn lock(&self, key: &str) -> String {
        format!("{}{}{}", self.prefix, KeyBeside::Guard.prefix(), self.at_the_origin(key))
    }

    /// The key beside an image's key, in which the deadline of its value lies.
    pub(in crate::live) fn second(key: &str) -> String {
        format!("{key}{}", KeyBeside::Deadline.suffix())
    }

    /// The sorted set of access times.
    pub(in crate::live) fn access_times(&self) -> String {
        format!("{}image_access_times", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::memory::ACCESS_TIMES;

    #[test]
    fn all_names_begin_with_the_prefix() {
        let keys = Keys::new("p:".to_owned());
        assert_eq!(keys.lock("p:photo/1"), "p:lock:photo/1");
        assert_eq!(keys.at_the_origin("p:photo/1"), "photo/1");
        assert_eq!(keys.access_times(), "p:image_access_times");
        assert_eq!(Keys::second("p:photo/1"), "p:photo/1:due");
        let length = Keys::new(String::new()).access_times().len() as u64;
        assert_eq!(length, ACCESS_TIMES, "as the model counts it");
    }
}
