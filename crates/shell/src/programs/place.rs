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
    let file = File::new(resolved, home);
    let mut kinds = Vec::new();
    for place in &table::PLACES {
        if !kinds.contains(&place.kind) && file.is_at(place, access) {
            kinds.push(place.kind);
        }
    }
    kinds
}

/// Returns whether reaching for the file `resolved` means `kind` besides, as
/// [`place_kinds`] would say, at less cost.
#[must_use]
pub fn is_place_of(kind: EffectKind, resolved: &str, access: Access, home: Option<&str>) -> bool {
    let file = File::new(resolved, home);
    let mut places = table::PLACES.iter().filter(|place| place.kind == kind);
    places.any(|place| file.is_at(place, access))
}

/// A file whose place is looked at.
struct File<'a> {
    path: &'a str,
    /// Its path below the home of the user, with the slash before.
    below_home: Option<&'a str>,
}

impl<'a> File<'a> {
    fn new(path: &'a str, home: Option<&str>) -> Self {
        let below_home = home
            .filter(|home| home.len() > 1)
            .and_then(|home| path.strip_prefix(home.trim_end_matches('/')))
            .filter(|rest| rest.starts_with('/'));
        Self { path, below_home }
    }

    /// Returns whether reaching for it so is what a row is about.
    fn is_at(&self, place: &PlaceRow, access: Access) -> bool {
        place.access.meets(access)
            && place.paths().iter().any(|glob| self.matches(glob))
            && !place.except().iter().any(|glob| self.matches(glob))
    }

    fn matches(&self, glob: &Text) -> bool {
        match (glob.as_str().strip_prefix('~'), self.below_home) {
            (Some(glob), Some(below)) => matches_path(glob, below),
            (Some(_), None) => false,
            (None, _) => matches_path(glob.as_str(), self.path),
        }
    }
}
