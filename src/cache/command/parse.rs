//! Reads commands from words, in the order in which Redis finds faults in them.

use super::{Command, CommandError, ExpireOnly, Lifetime, Moment, Moves, Names, Only, Since, Unit};
use crate::cache::redis::Kind;
use crate::trace::{ObjectId, Objects};

/// A command as it is listed: its name, how many words it takes at least and at most, and who reads it.
struct Form {
    name: &'static str,
    least: usize,
    most: usize,
    read: fn(&'static str, &[&str], &mut Names) -> Result<Command, CommandError>,
}

const fn form(
    name: &'static str,
    words: std::ops::RangeInclusive<usize>,
    read: fn(&'static str, &[&str], &mut Names) -> Result<Command, CommandError>,
) -> Form {
    Form { name, least: *words.start(), most: *words.end(), read }
}

const ANY: usize = usize::MAX;

const FORMS: [Form; 18] = [
    form("set", 3..=ANY, set),
    form("setex", 4..=4, |name, words, names| set_for(name, words, names, Unit::Seconds)),
    form("psetex", 4..=4, |name, words, names| set_for(name, words, names, Unit::Millis)),
    form("get", 2..=2, |_, words, names| Ok(Command::Get(names.object(words[1])?))),
    form("getex", 2..=ANY, get_ex),
    form("getdel", 2..=2, |_, words, names| Ok(Command::GetDel(names.object(words[1])?))),
    form("del", 2..=ANY, |_, words, names| Ok(Command::Del(objects(words, names)?))),
    form("unlink", 2..=ANY, |_, words, names| Ok(Command::Unlink(objects(words, names)?))),
    form("exists", 2..=ANY, |_, words, names| Ok(Command::Exists(objects(words, names)?))),
    form("expire", 3..=ANY, |name, words, names| expire(name, words, names, Unit::Seconds, Since::Now)),
    form("pexpire", 3..=ANY, |name, words, names| expire(name, words, names, Unit::Millis, Since::Now)),
    form("expireat", 3..=ANY, |name, words, names| expire(name, words, names, Unit::Seconds, Since::Epoch)),
    form("pexpireat", 3..=ANY, |name, words, names| expire(name, words, names, Unit::Millis, Since::Epoch)),
    form("ttl", 2..=2, |_, words, names| Ok(Command::Ttl(names.object(words[1])?, Unit::Seconds))),
    form("pttl", 2..=2, |_, words, names| Ok(Command::Ttl(names.object(words[1])?, Unit::Millis))),
    form("expiretime", 2..=2, |_, words, names| {
        Ok(Command::ExpireTime(names.object(words[1])?, Unit::Seconds))
    }),
    form("pexpiretime", 2..=2, |_, words, names| {
        Ok(Command::ExpireTime(names.object(words[1])?, Unit::Millis))
    }),
    form("persist", 2..=2, |_, words, names| Ok(Command::Persist(names.object(words[1])?))),
];

impl Command {
    /// Reads a command from its words, such as `["SET", "key", "value", "EX", "10"]`; names and options in
    /// any case. Values get a version from `names`.
    pub fn parse(words: &[&str], names: &mut Names) -> Result<Self, CommandError> {
        let Some((name, arguments)) = words.split_first() else { return Err(unknown("", &[])) };
        let form = FORMS.iter().find(|form| form.name.eq_ignore_ascii_case(name));
        let form = form.ok_or_else(|| unknown(name, arguments))?;
        if !(form.least..=form.most).contains(&words.len()) {
            return Err(CommandError::Arity(form.name));
        }
        (form.read)(form.name, words, names)
    }
}

impl Command {
    /// The kind of a command of these words, whether or not its options make sense; `None` where there is no such
    /// command, or the number of words is wrong.
    pub(super) fn kind_of(words: &[&str]) -> Option<Kind> {
        let (name, _) = words.split_first()?;
        let form = FORMS.iter().find(|form| form.name.eq_ignore_ascii_case(name))?;
        let is_whole = (form.least..=form.most).contains(&words.len());
        Kind::named(form.name).filter(|_| is_whole)
    }

    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Set { lifetime: Lifetime::Until(until), .. } if until.command == Kind::SetEx.name() => {
                Kind::SetEx
            }
            Self::Set { lifetime: Lifetime::Until(until), .. } if until.command == Kind::PSetEx.name() => {
                Kind::PSetEx
            }
            Self::Set { .. } => Kind::Set,
            Self::Get(_) => Kind::Get,
            Self::GetEx { .. } => Kind::GetEx,
            Self::GetDel(_) => Kind::GetDel,
            Self::Del(_) => Kind::Del,
            Self::Unlink(_) => Kind::Unlink,
            Self::Exists(_) => Kind::Exists,
            Self::Expire { until, .. } => match (until.unit, until.since) {
                (Unit::Seconds, Since::Now) => Kind::Expire,
                (Unit::Millis, Since::Now) => Kind::PExpire,
                (Unit::Seconds, Since::Epoch) => Kind::ExpireAt,
                (Unit::Millis, Since::Epoch) => Kind::PExpireAt,
            },
            Self::Ttl(_, Unit::Seconds) => Kind::Ttl,
            Self::Ttl(_, Unit::Millis) => Kind::PTtl,
            Self::ExpireTime(_, Unit::Seconds) => Kind::ExpireTime,
            Self::ExpireTime(_, Unit::Millis) => Kind::PExpireTime,
            Self::Persist(_) => Kind::Persist,
        }
    }

    /// The first key of a command without a value, and the lengths of the words that stand behind it.
    pub(super) fn words(&self, objects: &Objects) -> Option<(ObjectId, Vec<u64>)> {
        let words = match self {
            Self::Set { .. } => return None,
            Self::Get(key)
            | Self::GetDel(key)
            | Self::Ttl(key, _)
            | Self::ExpireTime(key, _)
            | Self::Persist(key) => (*key, Vec::new()),
            Self::GetEx { key, lifetime } => match lifetime {
                Lifetime::Keep => (*key, Vec::new()),
                Lifetime::Drop => (*key, vec!["persist".len() as u64]),
                Lifetime::Until(until) => {
                    let option = if until.since == Since::Now { "px" } else { "pxat" };
                    (*key, vec![option.len() as u64, until.digits()])
                }
            },
            Self::Expire { key, until, only } => {
                let flags = [only.without_ttl, only.with_ttl, only.moves.is_some()];
                let flags = flags.into_iter().filter(|flag| *flag).map(|_| "nx".len() as u64);
                (*key, std::iter::once(until.digits()).chain(flags).collect())
            }
            Self::Del(keys) | Self::Unlink(keys) | Self::Exists(keys) => {
                let (first, others) = keys.split_first()?;
                (*first, others.iter().map(|key| objects.key_len(*key)).collect())
            }
        };
        Some(words)
    }
}

impl Moment {
    /// How long its number is as it is sent.
    fn digits(&self) -> u64 {
        self.amount.as_ref().map_or(1, |amount| amount.to_string().len() as u64)
    }
}

/// Redis cuts the name, and its list of arguments, at 128 characters.
fn unknown(name: &str, arguments: &[&str]) -> CommandError {
    const MOST: usize = 128;
    let mut shown = String::new();
    for argument in arguments {
        if shown.len() >= MOST {
            break;
        }
        let room = MOST - shown.len();
        let argument: String = argument.chars().take(room).collect();
        shown.extend(["'", &argument, "' "]);
    }
    CommandError::Unknown { name: name.chars().take(MOST).collect(), arguments: shown }
}

fn objects(words: &[&str], names: &Names) -> Result<Vec<ObjectId>, CommandError> {
    words[1..].iter().map(|key| names.object(key)).collect()
}

/// An integer as Redis reads one: no sign but a minus, no leading zeros, no blanks.
fn integer(word: &str) -> Result<i64, CommandError> {
    let number = word.parse::<i64>().ok().filter(|number| number.to_string() == word);
    number.ok_or(CommandError::NotAnInteger)
}

/// SETEX and PSETEX.
fn set_for(
    name: &'static str,
    words: &[&str],
    names: &mut Names,
    unit: Unit,
) -> Result<Command, CommandError> {
    let until = Moment { amount: integer(words[2]), unit, since: Since::Now, command: name };
    let (key, value) = (names.object(words[1])?, names.version(words[3]));
    Ok(Command::Set { key, value, lifetime: Lifetime::Until(until), only: None, get: false })
}

/// SET with its options.
fn set(name: &'static str, words: &[&str], names: &mut Names) -> Result<Command, CommandError> {
    let (mut lifetime, mut only, mut get) = (None, None, false);
    let mut options = words[3..].iter();
    while let Some(option) = options.next() {
        let next = options.as_slice().first();
        match option.to_ascii_lowercase().as_str() {
            "nx" if only != Some(Only::IfPresent) => only = Some(Only::IfAbsent),
            "xx" if only != Some(Only::IfAbsent) => only = Some(Only::IfPresent),
            "get" => get = true,
            "keepttl" if lifetime.as_ref().is_none_or(|given| *given == Lifetime::Keep) => {
                lifetime = Some(Lifetime::Keep);
            }
            option => {
                lifetime = Some(Lifetime::Until(moment(name, option, next, lifetime.as_ref())?));
                options.next();
            }
        }
    }
    let (key, value) = (names.object(words[1])?, names.version(words[2]));
    Ok(Command::Set { key, value, lifetime: lifetime.unwrap_or(Lifetime::Drop), only, get })
}

/// GETEX with its options.
fn get_ex(name: &'static str, words: &[&str], names: &mut Names) -> Result<Command, CommandError> {
    let mut lifetime = None;
    let mut options = words[2..].iter();
    while let Some(option) = options.next() {
        let next = options.as_slice().first();
        match option.to_ascii_lowercase().as_str() {
            "persist" if lifetime.as_ref().is_none_or(|given| *given == Lifetime::Drop) => {
                lifetime = Some(Lifetime::Drop);
            }
            option => {
                lifetime = Some(Lifetime::Until(moment(name, option, next, lifetime.as_ref())?));
                options.next();
            }
        }
    }
    let key = names.object(words[1])?;
    Ok(Command::GetEx { key, lifetime: lifetime.unwrap_or(Lifetime::Keep) })
}

/// EX, PX, EXAT or PXAT with the word after it. The same option may be repeated, another may not stand
/// beside it.
fn moment(
    command: &'static str,
    option: &str,
    word: Option<&&str>,
    given: Option<&Lifetime>,
) -> Result<Moment, CommandError> {
    let (unit, since) = match option {
        "ex" => (Unit::Seconds, Since::Now),
        "px" => (Unit::Millis, Since::Now),
        "exat" => (Unit::Seconds, Since::Epoch),
        "pxat" => (Unit::Millis, Since::Epoch),
        _ => return Err(CommandError::Syntax),
    };
    let is_other = match given {
        None => false,
        Some(Lifetime::Until(given)) => (given.unit, given.since) != (unit, since),
        Some(Lifetime::Keep | Lifetime::Drop) => true,
    };
    let word = word.filter(|_| !is_other).ok_or(CommandError::Syntax)?;
    Ok(Moment { amount: integer(word), unit, since, command })
}

/// EXPIRE and its three kin.
fn expire(
    name: &'static str,
    words: &[&str],
    names: &Names,
    unit: Unit,
    since: Since,
) -> Result<Command, CommandError> {
    let (mut only, mut later, mut earlier) = (ExpireOnly::default(), false, false);
    for option in &words[3..] {
        match option.to_ascii_lowercase().as_str() {
            "nx" => only.without_ttl = true,
            "xx" => only.with_ttl = true,
            "gt" => later = true,
            "lt" => earlier = true,
            _ => return Err(CommandError::Option((*option).to_owned())),
        }
    }
    if only.without_ttl && (only.with_ttl || later || earlier) {
        return Err(CommandError::NotTogether);
    }
    only.moves = match (later, earlier) {
        (true, true) => return Err(CommandError::BothDirections),
        (true, false) => Some(Moves::Later),
        (false, true) => Some(Moves::Earlier),
        (false, false) => None,
    };
    let until = Moment { amount: integer(words[2]), unit, since, command: name };
    Ok(Command::Expire { key: names.object(words[1])?, until, only })
}
