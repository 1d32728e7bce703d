//! Reading one policy file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_canon::Digest;
use aegis_engine::{ExampleFailure, Expectation, check_examples};
use aegis_policy::{
    Compiled, LoadSourceError, Source, Sources, pack as pack_text, parse, policy_document, resolve,
};

use super::{cache, example_request};
use crate::places::Places;
use crate::read_file::{Reader, read_for};
use crate::settings::is_absent;

/// The most bytes of one text of a policy.
const BYTES_MAX: u64 = 1 << 20;

/// What a file holds.
pub(super) enum Loaded {
    /// There is no such file, and there never was a good policy in it.
    Absent,
    /// A good policy.
    Good {
        compiled: Arc<Compiled>,
        document: Arc<[u8]>,
        /// The other files it is made of.
        others: Vec<PathBuf>,
    },
    /// No good policy.
    Broken {
        cause: String,
        content: Option<Digest>,
        last_good: Option<(Arc<Compiled>, Arc<[u8]>)>,
    },
}

/// Reads the policy in the file at `path`.
pub(super) fn file(places: &Places, path: &Path) -> Loaded {
    let broken = |cause: String, content: Option<Digest>| Loaded::Broken {
        cause,
        content,
        last_good: cache::last_good(places, path),
    };
    let reader = reader_of(places, path);
    let text = match read_text(reader, path) {
        Ok(text) => text,
        Err(ReadText::Absent) => {
            return match cache::last_good(places, path) {
                None => Loaded::Absent,
                last_good => Loaded::Broken {
                    cause: "the file is gone".to_owned(),
                    content: None,
                    last_good,
                },
            };
        }
        // What was good for somebody else is no policy of who may not read it.
        Err(ReadText::Unreadable(cause)) if reader != Reader::Own => {
            return Loaded::Broken {
                cause,
                content: None,
                last_good: None,
            };
        }
        Err(ReadText::Unreadable(cause)) => return broken(cause, None),
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let root = Source::new(&name, &text);
    let sources = PolicyFolder {
        reader,
        ..PolicyFolder::new(folder)
    };
    if let Some(good) = from_cache(places, path, &root, &sources) {
        return good;
    }
    match compile(&root, &sources) {
        Ok((compiled, document)) => {
            cache::keep(places, path, &compiled, &document);
            good(compiled, document, folder)
        }
        Err(cause) => broken(cause, Some(Digest::of(text.as_bytes()))),
    }
}

/// Returns for whom the policy at `path` is read: that of the machine is everybody's.
fn reader_of(places: &Places, path: &Path) -> Reader {
    if path == places.managed_policy {
        return Reader::Own;
    }
    places.reader
}

/// Reads the built-in pack called `name`.
pub(super) fn pack(places: &Places, name: &str) -> Result<(Arc<Compiled>, Arc<[u8]>), String> {
    let text = pack_text(name).ok_or_else(|| format!("there is no pack `{name}`"))?;
    let root = Source::new(name, text);
    let nowhere = PolicyFolder::new(Path::new("/nonexistent"));
    let key = Path::new(name);
    if let Some(Loaded::Good {
        compiled, document, ..
    }) = from_cache(places, key, &root, &nowhere)
    {
        return Ok((compiled, document));
    }
    let (compiled, document) = compile(&root, &nowhere)?;
    cache::keep(places, key, &compiled, &document);
    Ok((compiled, document))
}

fn good(compiled: Arc<Compiled>, document: Arc<[u8]>, folder: &Path) -> Loaded {
    let others = compiled
        .sources()
        .iter()
        .skip(1)
        .filter(|source| pack_text(&source.name).is_none())
        .map(|source| folder.join(&*source.name))
        .collect();
    Loaded::Good {
        compiled,
        document,
        others,
    }
}

/// Returns the compiled policy, if it was made of exactly these texts.
fn from_cache(
    places: &Places,
    path: &Path,
    root: &Source,
    sources: &PolicyFolder<'_>,
) -> Option<Loaded> {
    let compiled = cache::compiled(places, path)?;
    let mut texts = Vec::new();
    for (index, source) in compiled.sources().iter().enumerate() {
        let text = if index == 0 {
            root.clone()
        } else {
            match pack_text(&source.name) {
                Some(text) => Source::new(&source.name, text),
                None => sources.read(&source.name).ok()?,
            }
        };
        texts.push(text);
    }
    let document = policy_document(&texts);
    let is_same = Digest::of(&document) == compiled.digest();
    is_same.then(|| good(Arc::new(compiled), Arc::from(document), sources.path))
}

fn compile(root: &Source, sources: &dyn Sources) -> Result<(Arc<Compiled>, Arc<[u8]>), String> {
    let parsed = parse(root, sources).map_err(|problems| problems.to_string())?;
    let document = policy_document(&parsed.texts);
    let compiled = Compiled::new(parsed.policy, Digest::of(&document));
    let name_of = |failure: &ExampleFailure| {
        let source = compiled
            .policy()
            .sources
            .get(usize::from(failure.place.source));
        source.map_or("policy", |source| &source.name)
    };
    // The packs' own examples are checked when the program is built.
    let failures = check_examples(&compiled, &example_request);
    let own = failures
        .iter()
        .find(|failure| pack_text(name_of(failure)).is_none());
    if let Some(failure) = own {
        let name = name_of(failure);
        let expected = match failure.expected {
            Expectation::Matches => "does not match an example it must match",
            Expectation::Misses => "matches an example it must not match",
        };
        return Err(format!(
            "{name}:{}:{}: the rule `{}` {expected}",
            failure.place.line, failure.place.column, failure.rule
        ));
    }
    Ok((Arc::new(compiled), Arc::from(document)))
}

/// Why a text was not read.
enum ReadText {
    Absent,
    Unreadable(String),
}

fn read_text(reader: Reader, path: &Path) -> Result<String, ReadText> {
    let bytes = read_for(reader, path, BYTES_MAX).map_err(|error| match is_absent(&error) {
        true => ReadText::Absent,
        false => ReadText::Unreadable(error.to_string()),
    })?;
    String::from_utf8(bytes).map_err(|_| ReadText::Unreadable("it is not text in UTF-8".to_owned()))
}

/// The texts in the folder of a policy, from which nothing leads out.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFolder<'a> {
    path: &'a Path,
    reader: Reader,
}

impl<'a> PolicyFolder<'a> {
    /// Returns the texts in the folder at `path`.
    #[must_use]
    pub const fn new(path: &'a Path) -> Self {
        Self {
            path,
            reader: Reader::Own,
        }
    }
}

impl PolicyFolder<'_> {
    fn read(&self, name: &str) -> Result<Source, LoadSourceError> {
        let owned = || name.to_owned();
        let path = self.path.join(name);
        // A link must not lead out of the folder any more than a name may.
        let real =
            fs::canonicalize(&path).map_err(|_| LoadSourceError::Missing { name: owned() })?;
        let inside = fs::canonicalize(self.path).is_ok_and(|folder| real.starts_with(folder));
        if !inside {
            return Err(LoadSourceError::Outside { name: owned() });
        }
        match read_text(self.reader, &real) {
            Ok(text) => Ok(Source::new(name, &text)),
            Err(ReadText::Absent) => Err(LoadSourceError::Missing { name: owned() }),
            Err(ReadText::Unreadable(cause)) => Err(LoadSourceError::Unreadable {
                name: owned(),
                cause,
            }),
        }
    }
}

impl Sources for PolicyFolder<'_> {
    fn load(&self, from: &str, reference: &str) -> Result<Source, LoadSourceError> {
        self.read(&resolve(from, reference)?)
    }
}
