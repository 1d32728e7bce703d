//! What a figure depends on besides the program.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cargo::target_folder;

/// Prints the machine, and how busy it is with other things.
pub fn print() {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = text("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("an unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = text("/proc/sys/kernel/osrelease");
    let load = text("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    println!(
        "{model}, {cores} threads, Linux {}, load {}",
        kernel.trim(),
        load.join(" ")
    );
}

/// Returns a folder that is removed at the end, on the disk that is measured.
///
/// That is the one of `AEGIS_BENCH_DIR`, else that of the build folder.
pub fn scratch() -> Result<tempfile::TempDir> {
    let parent = match std::env::var_os("AEGIS_BENCH_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => target_folder()?,
    };
    Ok(tempfile::tempdir_in(parent)?)
}

/// Returns how long each append of 4 KiB to a file took that was synced at once.
pub fn sync_times(folder: &Path, span: Duration) -> Result<Vec<Duration>> {
    let mut file = File::create(folder.join("synced"))?;
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < span {
        file.seek(SeekFrom::End(0))?;
        file.write_all(&[7; 4_096])?;
        let sync_began = Instant::now();
        file.sync_data()?;
        times.push(sync_began.elapsed());
    }
    Ok(times)
}
