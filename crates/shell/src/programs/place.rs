//! Places that mean more than a file.

use aegis_types::{Access, EffectKind};

use super::glob::matches_path;
use super::row::{PlaceRow, Text, table};

/// Returns what reaching for the file `resolved` means besides.
///
/// That it holds a credential, runs again by itself, or records a history.
/// `resolved` is a real path; `home` that of the user.
#[must_use]
pub fn place_kinds(resolved: &str, access: Access, home: Option<&str>) -> Vec<EffectKind> {
    let below_home = home
        .filter(|home| home.len() > 1)
        .and_then(|home| resolved.strip_prefix(home.trim_end_matches('/')))
        .filter(|rest| rest.starts_with('/'));
    let is_at = |glob: &Text| match (glob.as_str().strip_prefix('~'), below_home) {
        (Some(glob), Some(below)) => matches_path(glob, below),
        (Some(_), None) => false,
        (None, _) => matches_path(glob.as_str(), resolved),
    };
    let mut kinds = Vec::new();
    let is_meant = |place: &&PlaceRow| place.access.meets(access);
    for place in table::PLACES.iter().filter(is_meant) {
        if !kinds.contains(&place.kind)
            && place.paths().iter().any(is_at)
            && !place.except().iter().any(is_at)
        {
            kinds.push(place.kind);
        }
    }
    kinds
}
