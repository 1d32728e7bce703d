//! Fuzzing: inputs that a fuzzer makes up, held against the laws of the analyser.
//!
//! The targets are a workspace of their own in `fuzz/`. The stable compiler has
//! all that the fuzzer needs to see which code an input reaches.

mod corpus;
mod seed;

use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::cargo::{Cargo, target_folder, workspace};
use crate::setup;

/// The targets, each a program of `fuzz/targets/`.
const TARGETS: [&str; 4] = ["parser", "effects", "table", "code"];

/// How long each target is fuzzed if nothing else is said, in seconds.
const SECONDS: u64 = 600;

/// How many targets are fuzzed side by side.
const AT_ONCE: usize = 2;

/// The longest input, in bytes.
const INPUT_BYTES_MAX: u32 = 1_024;

/// What lets the fuzzer see the edges that an input takes and what it compares.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// What is asked for.
struct Asked {
    targets: Vec<&'static str>,
    seconds: u64,
    /// Whether the inputs that are kept are chosen again.
    minimises: bool,
    /// An input that is tried alone.
    input: Option<PathBuf>,
}

/// What the fuzzing of a target came to.
struct Outcome {
    target: &'static str,
    executions: u64,
    per_second: u64,
    edges: u64,
    /// The inputs that broke a law, took too long or too much memory.
    crashes: Vec<PathBuf>,
}

/// The folders of the fuzzer.
struct Folders {
    /// Where programs, and inputs that are not kept, are.
    target: PathBuf,
    /// The folder `fuzz/` of the workspace.
    source: PathBuf,
}

/// Fuzzes every target, or those that are named.
pub fn fuzz(arguments: &[String]) -> Result<()> {
    let asked = Asked::of(arguments)?;
    setup::ensure(setup::FUZZ)?;
    let folders = Folders {
        target: target_folder()?.join("fuzz"),
        source: workspace().join("fuzz"),
    };
    let programs = build(&folders)?;
    if let Some(input) = &asked.input {
        return asked.targets.iter().try_for_each(|target| {
            let status = Command::new(programs.join(target)).arg(input).status()?;
            anyhow::ensure!(status.success(), "`{target}` does not hold");
            Ok(())
        });
    }
    for target in TARGETS {
        seed::write(target, &folders.seeds(target))?;
    }
    seed::write_dictionary(&folders.dictionary())?;
    let mut outcomes = Vec::new();
    for some in asked.targets.chunks(AT_ONCE) {
        let found = thread::scope(|scope| {
            let start = |target: &&'static str| {
                let (target, programs, folders) = (*target, &programs, &folders);
                scope.spawn(move || attack(target, programs, folders, asked.seconds))
            };
            let started: Vec<_> = some.iter().map(start).collect();
            let joined = started.into_iter().map(|it| it.join());
            joined.collect::<Vec<_>>()
        });
        for outcome in found {
            let outcome = outcome.map_err(|_| anyhow::anyhow!("a thread broke"))?;
            outcomes.push(outcome?);
        }
    }
    if asked.minimises {
        for target in &asked.targets {
            corpus::keep(target, &programs.join(target), &folders)?;
        }
    }
    report(&outcomes, &folders)
}

impl Asked {
    fn of(arguments: &[String]) -> Result<Self> {
        let mut asked = Self {
            targets: Vec::new(),
            seconds: SECONDS,
            minimises: false,
            input: None,
        };
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--seconds" => {
                    let value = rest.next().context("`--seconds` takes a number")?;
                    asked.seconds = value.parse().context("`--seconds` takes a number")?;
                }
                "--minimise" => asked.minimises = true,
                "--input" => {
                    let file = rest.next().context("`--input` takes a file")?;
                    asked.input = Some(file.into());
                }
                name => {
                    let known = TARGETS.iter().find(|target| **target == name);
                    let known = known.with_context(|| {
                        format!("no target `{name}`; there are: {}", TARGETS.join(", "))
                    })?;
                    asked.targets.push(known);
                }
            }
        }
        if asked.targets.is_empty() {
            asked.targets = TARGETS.to_vec();
        }
        Ok(asked)
    }
}

impl Folders {
    /// Returns the folder of what was found and may be dropped at any time.
    fn grown(&self, target: &str) -> PathBuf {
        self.target.join("grown").join(target)
    }

    fn seeds(&self, target: &str) -> PathBuf {
        self.target.join("seeds").join(target)
    }

    fn dictionary(&self) -> PathBuf {
        self.target.join("pieces.dict")
    }

    /// Returns the folder of the inputs that are committed.
    fn kept(&self, target: &str) -> PathBuf {
        self.source.join("corpus").join(target)
    }

    fn artifacts(&self, target: &str) -> PathBuf {
        self.source.join("artifacts").join(target)
    }
}

/// Builds the targets, after their lints; returns the folder of their programs.
fn build(folders: &Folders) -> Result<PathBuf> {
    let manifest = folders.source.join("Cargo.toml").display().to_string();
    let host = host()?;
    for (command, rest) in [("clippy", &["--", "-D", "warnings"][..]), ("build", &[])] {
        let words = [
            command,
            "--quiet",
            "--release",
            "--manifest-path",
            &manifest,
        ];
        let words = [&words[..], &["--target", &host], rest].concat();
        Cargo::new(&words)
            .variable("CARGO_TARGET_DIR", &folders.target)
            .variable("RUSTFLAGS", COVERAGE)
            .succeed()?;
    }
    Ok(folders.target.join(host).join("release"))
}

/// Returns the triple of this machine: named, so that build scripts go without the flags.
fn host() -> Result<String> {
    let told = String::from_utf8(Cargo::new(&["-vV"]).output()?)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo tells no host")?.to_owned())
}

/// Lets the fuzzer run one target.
fn attack(
    target: &'static str,
    programs: &Path,
    folders: &Folders,
    seconds: u64,
) -> Result<Outcome> {
    let (grown, artifacts) = (folders.grown(target), folders.artifacts(target));
    let kept = folders.kept(target);
    for folder in [&grown, &artifacts, &kept] {
        fs::create_dir_all(folder)?;
    }
    let log = folders.target.join(format!("{target}.log"));
    println!("xtask: {target}: {seconds} s, told in {}", log.display());
    let status = Command::new(programs.join(target))
        .args([&grown, &kept, &folders.seeds(target)])
        // No time at all would be no bound.
        .arg(format!("-max_total_time={}", seconds.max(1)))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(format!("-dict={}", folders.dictionary().display()))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .status()
        .with_context(|| format!("cannot start the target `{target}`"))?;
    let told = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let written = told.split("Test unit written to ").skip(1);
    let crashes: Vec<PathBuf> = written
        .filter_map(|rest| rest.lines().next())
        .map(PathBuf::from)
        .collect();
    if !status.success() && crashes.is_empty() {
        bail!("the target `{target}` failed; see {}", log.display());
    }
    Ok(Outcome {
        target,
        executions: last_number(&told, "number_of_executed_units:").unwrap_or_default(),
        per_second: last_number(&told, "average_exec_per_sec:").unwrap_or_default(),
        edges: last_number(&told, " cov:").unwrap_or_default(),
        crashes,
    })
}

/// Returns the number behind the last `mark`.
fn last_number<T: FromStr>(told: &str, mark: &str) -> Option<T> {
    let (_, rest) = told.rsplit_once(mark)?;
    rest.split_whitespace().next()?.parse().ok()
}

fn report(outcomes: &[Outcome], folders: &Folders) -> Result<()> {
    println!("\n  target     executions   per second    edges   kept   crashes");
    for outcome in outcomes {
        let kept = corpus::files(&folders.kept(outcome.target))?.len();
        println!(
            "  {:<8} {:>12} {:>12} {:>8} {:>6} {:>9}",
            outcome.target,
            outcome.executions,
            outcome.per_second,
            outcome.edges,
            kept,
            outcome.crashes.len()
        );
    }
    let mut broken = 0;
    for outcome in outcomes {
        for crash in &outcome.crashes {
            let target = outcome.target;
            println!(
                "\n  again: cargo xtask fuzz {target} --input {}",
                crash.display()
            );
            broken += 1;
        }
    }
    if broken > 0 {
        bail!("{broken} inputs break a law; their messages stand in the logs");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_tells_is_read() {
        let told = "#8 INITED cov: 17 ft: 9\n#9 DONE   cov: 21 ft: 10\n\
                    stat::number_of_executed_units: 345\n";
        assert_eq!(last_number(told, " cov:"), Some(21_u64));
        assert_eq!(
            last_number(told, "number_of_executed_units:"),
            Some(345_u64)
        );
        assert_eq!(last_number::<u64>(told, "average_exec_per_sec:"), None);
    }

    #[test]
    fn each_target_is_a_program_of_the_folder() {
        for target in TARGETS {
            let source = workspace()
                .join("fuzz/targets")
                .join(format!("{target}.rs"));
            assert!(source.is_file(), "{target}");
        }
        assert!(Asked::of(&["no-such-target".to_owned()]).is_err());
    }
}
