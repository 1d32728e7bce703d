//! Checks the table of programs and writes it into the crate as static data.
//!
//! Whatever is wrong with a file of `programs/` is an error of the build, with
//! the file and the line.

#[path = "build/entry.rs"]
mod entry;
#[path = "build/flat.rs"]
mod flat;
#[path = "build/phrase.rs"]
mod phrase;
#[path = "build/place.rs"]
mod place;
#[path = "build/tree.rs"]
mod tree;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use entry::Program;
use place::Place;
use tree::Fault;

/// The file that tells of places and not of programs.
const PLACES: &str = "places";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=programs");
    println!("cargo::rerun-if-changed=build");
    match write_table() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn write_table() -> Result<(), Box<dyn Error>> {
    let mut programs = Vec::new();
    let mut places = Vec::new();
    let mut faults = Vec::new();
    for file in files(Path::new("programs"))? {
        let name = file.display().to_string();
        let text = fs::read_to_string(&file)?;
        let is_places = file.file_stem().is_some_and(|stem| stem == PLACES);
        let found = if is_places {
            let found = place::read(&name, &text).map_err(|fault| vec![fault]);
            found.map(|found| places.extend(found))
        } else {
            entry::read(&name, &text).map(|found| programs.extend(found))
        };
        faults.extend(found.err().unwrap_or_default());
    }
    faults.extend(named_twice(&programs));
    if !faults.is_empty() {
        let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
        return Err(lines.join("\n").into());
    }
    save(&programs, &places)
}

fn save(programs: &[Program], places: &[Place]) -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(folder.join("programs.rs"), flat::table(programs, places)?)?;
    fs::write(folder.join("examples.rs"), flat::examples(programs))?;
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn named_twice(programs: &[Program]) -> Vec<Fault> {
    let mut known = std::collections::BTreeMap::new();
    let mut faults = Vec::new();
    for program in programs {
        for name in &program.names {
            if let Some(first) = known.insert(&name.text, (&program.file, name.line)) {
                let (file, line) = first;
                let message = format!("`{}` is in {file}:{line} too", name.text);
                faults.push(Fault::new(&program.file, name.line, message));
            }
        }
    }
    faults
}
