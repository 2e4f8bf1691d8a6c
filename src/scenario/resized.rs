//! `resize`: images that have another size after they have changed.

use super::OriginDesign;
use crate::catalog::Fault;

impl OriginDesign {
    /// Refuses sizes that change with images that never do.
    pub(super) fn check_resized(&self) -> Result<(), Fault> {
        let still = self.resized.iter().find(|(class, _)| self.changes_of(class).name() == "never");
        let Some((class, place)) = still else { return Ok(()) };
        let what = format!("the images of class \"{class}\" never change, and so they keep their sizes");
        Err(Fault::new(place.clone(), what)
            .rule("resize draws the size of an image anew when it changes at the origin")
            .help("add changes = { model = \"poisson\", mean = \"7d\" } to the class or to [origin], or leave resize out"))
    }

    /// Refuses them where a sample of the keys is played.
    pub(super) fn refuse_resized(&self) -> Result<(), Fault> {
        let Some((class, place)) = self.resized.first() else { return Ok(()) };
        let what = format!("a sample of the keys cannot stand for class \"{class}\", whose sizes change");
        Err(Fault::new(place.clone(), what)
            .rule("how many bytes are asked for in all is counted by the sizes at the start")
            .help("play all keys, without sample"))
    }
}
