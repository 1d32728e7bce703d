//! The file that tells which places mean more than a file.

use crate::phrase::{self, Kind};
use crate::tree::{Fault, Source, Text};

/// Places of one kind.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// The letters of the ways in which one is reached for.
    pub(crate) access: Vec<&'static str>,
    pub(crate) paths: Vec<Text>,
    pub(crate) except: Vec<Text>,
}

/// Reads `text`, the content of `file`.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Place>, Fault> {
    let source = Source { file };
    let mut places = Vec::new();
    for item in source.list(source.read(text)?)? {
        let line = item.line;
        let (mut kind, mut access) = (None, Vec::new());
        let (mut paths, mut except) = (Vec::new(), Vec::new());
        for (key, node) in source.map(item)? {
            match key.text.as_str() {
                "about" => drop(source.text(node)?),
                "effect" => kind = Some(phrase::kind(source, &source.text(node)?)?),
                "access" => {
                    for way in source.texts(node)? {
                        access.push(phrase::way(source, &way)?);
                    }
                }
                "paths" => paths = globs(source, source.texts(node)?)?,
                "except" => except = globs(source, source.texts(node)?)?,
                other => return source.fault(key.line, format!("unknown key `{other}`")),
            }
        }
        let Some(kind) = kind else {
            return source.fault(line, "`effect` is missing");
        };
        if paths.is_empty() || access.is_empty() {
            return source.fault(line, "`paths` or `access` is missing");
        }
        places.push(Place {
            kind,
            access,
            paths,
            except,
        });
    }
    Ok(places)
}

fn globs(source: Source<'_>, globs: Vec<Text>) -> Result<Vec<Text>, Fault> {
    let is_anchored = |text: &str| ["/", "~/", "**/"].iter().any(|it| text.starts_with(it));
    match globs.iter().find(|glob| !is_anchored(&glob.text)) {
        Some(glob) => source.fault(
            glob.line,
            format!("`{}` starts with none of `/`, `~/`, `**/`", glob.text),
        ),
        None => Ok(globs),
    }
}
