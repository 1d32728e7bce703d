//! Variables and settings that a command changes or shows.

use aegis_types::{EffectKind, EffectResource, UnknownCause, WordPart};

use super::Found;
use super::command::Told;
use crate::option::first_text;
use crate::option_code::git_setting_kept;
use crate::written;

impl Told<'_> {
    /// Adds that a history is turned off, and that a secret is printed.
    pub(super) fn variables(&self, found: &mut Found) {
        for assignment in &self.command.assignments {
            if matches!(
                assignment.name.as_str(),
                "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" | "HISTCONTROL" | "HISTIGNORE"
            ) {
                let name = EffectResource::Named(assignment.name.clone());
                found.add(EffectKind::History, name, &[assignment.value.span]);
            }
        }
        let arguments = self.command.arguments.as_slice();
        let turns_off = self.name() == "set"
            && matches!(arguments, [off, what] if first_text(off) == "+o" && first_text(what) == "history");
        let forgets = self.name() == "unset"
            && arguments
                .iter()
                .any(|word| first_text(word).starts_with("HIST"));
        if turns_off || forgets {
            found.add(
                EffectKind::History,
                EffectResource::Unknown,
                &[self.command.span],
            );
        }
        let is_printed = matches!(self.name(), "echo" | "printf" | "print");
        if is_printed || self.is_network() {
            for word in arguments {
                for part in &word.parts {
                    if let WordPart::Unknown(UnknownCause::Variable(name)) = part
                        && (is_printed && is_secret_name(name) || leads_to_credentials(name))
                    {
                        let name = EffectResource::Named(name.clone());
                        found.add(EffectKind::Credential, name, &[word.span]);
                    }
                }
            }
        }
    }

    /// Adds that a setting of git runs something from then on.
    pub(super) fn settings_of_git(&self, found: &mut Found) {
        let words = self.command.arguments.as_slice();
        if let Some(key) = (self.name() == "git")
            .then(|| git_setting_kept(words))
            .flatten()
        {
            let name = EffectResource::Named(written(key));
            found.add(EffectKind::Persistence, name, &[key.span]);
        }
    }
}

/// Returns whether a variable holds where a container is given the credentials of its machine.
fn leads_to_credentials(name: &str) -> bool {
    matches!(
        name,
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
            | "AWS_CONTAINER_CREDENTIALS_FULL_URI"
            | "ECS_CONTAINER_METADATA_URI"
            | "ECS_CONTAINER_METADATA_URI_V4"
            | "IDENTITY_ENDPOINT"
            | "MSI_ENDPOINT"
    )
}

/// Returns whether a variable holds a secret, as its name says.
pub(super) fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 9] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "CREDENTIAL",
    ];
    let name = name.to_ascii_uppercase();
    PARTS.iter().any(|part| name.contains(part))
}
