//! How large the program of the hook may be, and that it is linked as promised.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::cargo::build_hook;

/// The greatest size of `aegis-hook`, in bytes.
///
/// A client starts it before every call, and starting takes longer the larger
/// it is. The bound leaves a twentieth above what it has, of which the C library
/// is a tenth; raise it only for what is worth that to every call.
const HOOK_BYTES_MAX: u64 = 12_000_000;

/// Builds `aegis-hook` as it is installed, and measures it.
pub fn hook() -> Result<()> {
    let program = build_hook()?;
    let found = fs::metadata(&program)
        .with_context(|| format!("cannot look at `{}`", program.display()))?;
    check(found.len())?;
    let bytes =
        fs::read(&program).with_context(|| format!("cannot read `{}`", program.display()))?;
    if cfg!(all(target_os = "linux", target_env = "gnu")) && names_loader(&bytes) {
        bail!(
            "`aegis-hook` is linked with shared libraries, and loading them costs every call; \
             see whether RUSTFLAGS is set, which `crates/hook/static.toml` does not add to"
        );
    }
    println!("xtask: `aegis-hook` has {} bytes", found.len());
    Ok(())
}

/// Returns whether an ELF program of 64 bits, little end first, asks for a loader
/// of shared libraries: one of its program headers is PT_INTERP.
fn names_loader(program: &[u8]) -> bool {
    const PT_INTERP: u64 = 3;
    let number = |place: usize, length: usize| -> Option<u64> {
        let bytes = program.get(place..place.checked_add(length)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |it, byte| it << 8 | u64::from(*byte)),
        )
    };
    let headers = || {
        let first = usize::try_from(number(0x20, 8)?).ok()?;
        let size = usize::try_from(number(0x36, 2)?).ok()?;
        let count = usize::try_from(number(0x38, 2)?).ok()?;
        Some((0..count).filter_map(move |place| number(first + place * size, 4)))
    };
    headers().is_some_and(|mut kinds| kinds.any(|kind| kind == PT_INTERP))
}

fn check(bytes: u64) -> Result<()> {
    if bytes > HOOK_BYTES_MAX {
        bail!(
            "`aegis-hook` has {bytes} bytes, and {HOOK_BYTES_MAX} are allowed; find what made it \
             grow (`cargo tree -p aegis-hook -e normal`)"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_needs_shared_libraries_is_told_from_one_that_does_not() {
        let program = |kinds: &[u8]| {
            let mut bytes = vec![0; 0x40];
            bytes[0x20] = 0x40;
            bytes[0x36] = 0x38;
            bytes[0x38] = u8::try_from(kinds.len()).unwrap();
            for kind in kinds {
                let mut header = vec![0; 0x38];
                header[0] = *kind;
                bytes.extend(header);
            }
            bytes
        };
        assert!(names_loader(&program(&[6, 3, 1])));
        assert!(!names_loader(&program(&[6, 1])));
        assert!(!names_loader(b"MZ"));
    }

    #[test]
    fn a_program_that_is_too_large_is_refused_and_one_just_small_enough_is_not() {
        assert!(check(HOOK_BYTES_MAX).is_ok());
        let error = check(HOOK_BYTES_MAX + 1).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{} bytes", HOOK_BYTES_MAX + 1)),
            "{error}"
        );
    }
}
