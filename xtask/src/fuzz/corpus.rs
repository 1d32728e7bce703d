//! The inputs that are kept: few, small, and together they reach what all reach.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Folders, INPUT_BYTES_MAX, seed};

/// The most inputs of a target that are kept.
const KEPT_MAX: usize = 280;

/// An input, and the edges that it takes.
struct Input {
    file: PathBuf,
    bytes: u64,
    edges: BTreeSet<u32>,
}

/// Returns the files of a folder, in order.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder);
    let entries = entries.with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry?.path());
    }
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

/// Chooses the inputs of a target that are kept from all that there are.
pub(super) fn keep(target: &str, program: &Path, folders: &Folders) -> Result<()> {
    let inputs = measured(target, program, folders)?;
    let all: BTreeSet<u32> = inputs.iter().flat_map(|it| &it.edges).copied().collect();
    let chosen = chosen(inputs);
    let reached: BTreeSet<u32> = chosen.iter().flat_map(|it| &it.edges).copied().collect();
    let mut texts = Vec::new();
    for input in &chosen {
        texts.push(text(&fs::read(&input.file)?));
    }
    let folder = folders.kept(target);
    for old in files(&folder)? {
        fs::remove_file(old)?;
    }
    for text in &texts {
        fs::write(folder.join(seed::name(text)), text)?;
    }
    println!(
        "xtask: {target}: {} inputs are kept, {} bytes; they take {} of {} edges",
        texts.len(),
        texts.iter().map(String::len).sum::<usize>(),
        reached.len(),
        all.len()
    );
    Ok(())
}

/// Returns what a target makes of an input: the text before the first byte that is none.
fn text(input: &[u8]) -> String {
    let first = input.utf8_chunks().next();
    first.map_or_else(String::new, |chunk| chunk.valid().to_owned())
}

/// Lets the fuzzer tell the edges that each input takes.
fn measured(target: &str, program: &Path, folders: &Folders) -> Result<Vec<Input>> {
    let control = folders.target.join(format!("{target}.edges"));
    let merged = folders.target.join("merged").join(target);
    let _ = fs::remove_file(&control);
    let _ = fs::remove_dir_all(&merged);
    fs::create_dir_all(&merged)?;
    let status = Command::new(program)
        .args(["-set_cover_merge=1", "-use_counters=0", "-timeout=10"])
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-merge_control_file={}", control.display()))
        .args([&merged, &folders.grown(target)])
        .args([&folders.kept(target), &folders.seeds(target)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("the target `{target}` cannot merge its inputs");
    }
    let told = fs::read_to_string(&control)?;
    read(&told).with_context(|| format!("`{}` cannot be read", control.display()))
}

/// Reads what the fuzzer writes when it merges: how many files there are, how
/// many of them stand first, the files, and what each reached.
fn read(told: &str) -> Option<Vec<Input>> {
    let mut lines = told.lines();
    let count: usize = lines.next()?.parse().ok()?;
    lines.next()?;
    let files: Vec<&str> = lines.by_ref().take(count).collect();
    let mut inputs = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let mut words = line.split(' ');
        let (kind, index) = (words.next()?, words.next()?);
        match kind {
            "STARTED" => bytes = words.next()?.parse().ok()?,
            "FT" => inputs.push(Input {
                file: files.get(index.parse::<usize>().ok()?)?.into(),
                bytes,
                edges: words.filter_map(|word| word.parse().ok()).collect(),
            }),
            _ => {}
        }
    }
    Some(inputs)
}

/// Returns the inputs of which each reaches the most that those before it do not.
fn chosen(mut inputs: Vec<Input>) -> Vec<Input> {
    inputs.sort_by(|one, other| (one.bytes, &one.file).cmp(&(other.bytes, &other.file)));
    let mut takers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, input) in inputs.iter().enumerate() {
        for edge in &input.edges {
            takers.entry(*edge).or_default().push(index);
        }
    }
    let mut gains: Vec<usize> = inputs.iter().map(|input| input.edges.len()).collect();
    let mut order = Vec::new();
    while order.len() < KEPT_MAX {
        // Of equals the last is taken, and the smallest is to be.
        let best = gains
            .iter()
            .enumerate()
            .rev()
            .max_by_key(|(_, gain)| **gain);
        let Some((best, _)) = best.filter(|(_, gain)| **gain > 0) else {
            break;
        };
        order.push(best);
        let edges = inputs.get(best).into_iter().flat_map(|input| &input.edges);
        for taker in edges.filter_map(|edge| takers.remove(edge)).flatten() {
            if let Some(gain) = gains.get_mut(taker) {
                *gain -= 1;
            }
        }
    }
    let mut inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    let take = |index: usize| inputs.get_mut(index).and_then(Option::take);
    order.into_iter().filter_map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_ends_where_it_is_no_text() {
        assert_eq!(text(b"rm \xc3\xa9 \xff x"), "rm \u{e9} ");
        assert_eq!(text(b""), "");
    }

    #[test]
    fn what_reaches_most_is_chosen_first_and_what_adds_nothing_never() {
        let told = "3\n0\na\nb\nc\nSTARTED 0 9\nFT 0 1 2\nCOV 0 1\nSTARTED 1 8\nFT 1 1 2 3\n\
                    STARTED 2 7\nFT 2 4\nDONE 2\n";
        let names = |inputs: &[Input]| -> Vec<String> {
            let files = inputs.iter().map(|it| it.file.display().to_string());
            files.collect()
        };
        let inputs = read(told).unwrap();
        assert_eq!(names(&inputs), ["a", "b", "c"]);
        assert_eq!(names(&chosen(inputs)), ["b", "c"]);
    }
}
