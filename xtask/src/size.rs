//! How large the program of the hook may be.

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
    println!("xtask: `aegis-hook` has {} bytes", found.len());
    Ok(())
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
    fn a_program_that_is_too_large_is_refused_and_one_just_small_enough_is_not() {
        assert!(check(HOOK_BYTES_MAX).is_ok());
        let error = check(HOOK_BYTES_MAX + 1).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{} bytes", HOOK_BYTES_MAX + 1)),
            "{error}"
        );
    }
}
