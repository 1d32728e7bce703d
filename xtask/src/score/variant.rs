//! Other spellings of a command that do the same in bash.
//!
//! Half of them are data that somebody wrote who has not read the analyser
//! (`fixtures/score/variants.jsonl`); the other half stands here and aims at
//! where an analyser is weak. Each is first shown to start the same programs in
//! a real bash, or to do the same there; see [`marker`] and [`deed`].

mod argument;
mod deed;
mod host;
mod known;
mod line;
mod marker;
mod option;
mod program;
mod rule;
mod structure;
mod template;
mod whole;
mod words;

use std::path::Path;
use std::thread;

use anyhow::{Result, bail};

use line::Line;
pub use line::Place;
#[cfg(test)]
pub use rule::LEFT;
pub use template::Left;

/// How it is shown that a transformation does the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Proof {
    /// The same programs are started with the same words; see [`marker`].
    Started,
    /// The programs are started otherwise and do the same; see [`deed`].
    Done,
}

/// A transformation of a command into another that does the same.
pub struct Variant {
    /// What it is called.
    pub name: String,
    /// A program that it makes use of, which not every machine has.
    pub tool: Option<String>,
    proof: Proof,
    rewrite: Rewrite,
}

type Rewrite = Box<dyn Fn(&Line<'_>) -> Option<String> + Send + Sync>;

impl Variant {
    fn new(
        name: &str,
        rewrite: impl Fn(&Line<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            tool: None,
            proof: Proof::Started,
            rewrite: Box::new(rewrite),
        }
    }

    fn with_tool(mut self, tool: Option<String>) -> Self {
        self.tool = tool;
        self
    }

    fn with_proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Returns the other spelling of `command` at a place; nothing if it has none of this kind.
    pub fn of(&self, command: &str, place: &Place) -> Option<String> {
        (self.rewrite)(&Line::at(command, place)).filter(|spelling| spelling != command)
    }
}

/// Shows that every transformation does in a real bash what the original does.
///
/// # Errors
///
/// Names each one that does something else, or that takes no marker.
pub fn prove(variants: &[Variant]) -> Result<()> {
    marker::prove(variants)?;
    deed::prove(variants)
}

/// Returns every transformation: those of a file, and those that are written here.
///
/// Beside them come the rules of the file that nothing carries out, with the reasons.
pub fn all(file: &Path) -> Result<(Vec<Variant>, Vec<Left>)> {
    let (mut all, left) = of_file(file)?;
    all.extend(whole::variants());
    all.extend(program::variants());
    all.extend(words::variants());
    Ok((all, left))
}

/// Returns the transformations of a file, and the rules that nothing carries out.
pub fn of_file(file: &Path) -> Result<(Vec<Variant>, Vec<Left>)> {
    template::variants(file)
}

/// Does the work for all variants, a part of them in each thread; returns what came of it.
pub fn in_parts<T: Send>(
    variants: &[Variant],
    work: impl Fn(&[Variant]) -> Result<Vec<T>> + Sync,
) -> Result<Vec<T>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let size = variants.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let work = &work;
        let start = |part| scope.spawn(move || work(part));
        let parts: Vec<_> = variants.chunks(size).map(start).collect();
        let mut all = Vec::new();
        for part in parts {
            match part.join() {
                Ok(part) => all.extend(part?),
                Err(_) => bail!("a thread broke down"),
            }
        }
        Ok(all)
    })
}
