//! `[trace]`: a recorded trace and how it is to be read.
use crate::catalog::{Fault, Item, Section};
#[derive(Debug)]
pub struct Recorded;
pub struct Spec<'i> {
    pub recorded: Recorded,
    pub changes: Vec<Option<Item<'i>>>,
    pub effective: toml::Table,
}
impl Spec<'_> {
    pub fn classes(&self) -> Vec<String> {
        vec![]
    }
}
pub fn read(section: Section<'_>) -> Result<Spec<'_>, Fault> {
    Err(Fault::new(section.span(), "stub"))
}
