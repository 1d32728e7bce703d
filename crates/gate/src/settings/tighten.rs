//! Which given values count.

use std::collections::BTreeMap;

use aegis_types::Mode;

use super::file::Values;
use super::{Ignored, Origin, ServerRoles, Setting, Settings};

impl Settings {
    /// Takes every value that `values` gives.
    pub(super) fn set(&mut self, values: Values, origin: Origin) {
        put(&mut self.durability, values.durability, origin);
        put(&mut self.seal, values.seal, origin);
        put(&mut self.fallback, values.fallback, origin);
        put(&mut self.headless, values.headless, origin);
        put(&mut self.environment, values.environment.map(Some), origin);
        put(&mut self.mode, values.mode, origin);
        put(
            &mut self.approval_wait_max,
            values.approval_wait_max,
            origin,
        );
        put(&mut self.tenant, values.tenant, origin);
        put(&mut self.agent, values.agent, origin);
        for (server, given) in values.mcp {
            let setting = self.mcp.entry(server).or_default();
            setting.value.extend(&given);
            setting.origin = origin;
        }
        if values.service.is_some() {
            self.service.value.take(values.service);
            self.service.origin = origin;
        }
    }

    /// Takes the values of a trusted project, but for what is managed.
    pub(super) fn set_unmanaged(&mut self, values: Values) {
        let origin = Origin::Project;
        let managed = |is_managed: Origin| is_managed == Origin::Managed;
        let kept = Values {
            durability: values
                .durability
                .filter(|_| !managed(self.durability.origin)),
            seal: values.seal.filter(|_| !managed(self.seal.origin)),
            fallback: values.fallback.filter(|_| !managed(self.fallback.origin)),
            headless: values.headless.filter(|_| !managed(self.headless.origin)),
            environment: values
                .environment
                .clone()
                .filter(|_| !managed(self.environment.origin)),
            mode: values.mode.filter(|_| !managed(self.mode.origin)),
            approval_wait_max: values
                .approval_wait_max
                .filter(|_| !managed(self.approval_wait_max.origin)),
            tenant: None,
            agent: values.agent.clone().filter(|_| !managed(self.agent.origin)),
            mcp: values
                .mcp
                .iter()
                .filter(|(server, _)| {
                    let known = self.mcp.get(*server);
                    known.is_none_or(|known| !managed(known.origin))
                })
                .map(|(server, given)| (server.clone(), given.clone()))
                .collect(),
            service: None,
        };
        self.set(kept, origin);
        // What is managed can still be tightened.
        self.tighten(values, origin);
    }

    /// Takes the values that are stricter than those in force; notes the others.
    pub(super) fn tighten(&mut self, values: Values, origin: Origin) {
        let mut ignored = Vec::new();
        {
            let mut note = |key: &'static str, is_ignored: bool, cause: &'static str| {
                if is_ignored {
                    ignored.push(Ignored { key, origin, cause });
                }
            };
            let looser = "it may only be tightened from here";
            let durability = raise(&mut self.durability, values.durability, origin);
            note("durability", durability, looser);
            let seal = raise(&mut self.seal, values.seal, origin);
            note("seal", seal, looser);
            let fallback = raise(&mut self.fallback, values.fallback, origin);
            note("fallback", fallback, looser);
            let headless = raise(&mut self.headless, values.headless, origin);
            note("headless", headless, looser);
            let mode = self.tighten_mode(values.mode, origin);
            note("mode", mode, looser);
            let wait = match values.approval_wait_max {
                Some(given) if given < self.approval_wait_max.value => {
                    self.approval_wait_max = Setting {
                        value: given,
                        origin,
                    };
                    false
                }
                Some(given) => given > self.approval_wait_max.value,
                None => false,
            };
            note("approval_wait_max", wait, looser);
            // Which label is the stricter one cannot be told: a rule may allow under any.
            let differs = "only the user, an administrator or a trusted project may set it";
            let environment = values
                .environment
                .is_some_and(|given| self.environment.value.as_deref() != Some(&given));
            note("environment", environment, differs);
            let tenant = values
                .tenant
                .is_some_and(|given| self.tenant.value != given);
            note("tenant", tenant, differs);
            let agent = values.agent.is_some_and(|given| self.agent.value != given);
            note("agent", agent, differs);
            let service = "only the user or an administrator may name it";
            note("service", values.service.is_some(), service);
            let mcp = self.tighten_mcp(&values.mcp, origin);
            note("mcp", mcp, looser);
        }
        self.ignored.extend(ignored);
    }

    fn tighten_mode(&mut self, given: Option<Mode>, origin: Origin) -> bool {
        match (given, self.mode.value) {
            (Some(Mode::Enforce), Mode::Observe) => {
                self.mode = Setting {
                    value: Mode::Enforce,
                    origin,
                };
                false
            }
            (Some(Mode::Observe), Mode::Enforce) => true,
            (Some(Mode::Enforce), Mode::Enforce)
            | (Some(Mode::Observe), Mode::Observe)
            | (None, _) => false,
        }
    }
}

impl Settings {
    /// Takes what makes more of the tools known; returns whether there was more.
    fn tighten_mcp(&mut self, given: &BTreeMap<String, ServerRoles>, origin: Origin) -> bool {
        let mut is_ignored = false;
        for (server, given) in given {
            let known = self.mcp.get(server).cloned().unwrap_or_default();
            let mut value = known.value.clone();
            // What is in force by now says nothing that would not count.
            let differs = value.tighten(given) && {
                let mut all = known.value.clone();
                all.extend(given);
                all != known.value
            };
            is_ignored |= differs;
            if value != known.value {
                self.mcp.insert(server.clone(), Setting { value, origin });
            }
        }
        is_ignored
    }
}

fn put<T>(setting: &mut Setting<T>, given: Option<T>, origin: Origin) {
    if let Some(value) = given {
        *setting = Setting { value, origin };
    }
}

/// Takes a stricter value; returns whether a looser one was given.
fn raise<T: Ord>(setting: &mut Setting<T>, given: Option<T>, origin: Origin) -> bool {
    match given {
        Some(value) if value > setting.value => {
            *setting = Setting { value, origin };
            false
        }
        Some(value) => value < setting.value,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use aegis_canon::Digest;
    use aegis_types::DurationMs;

    use super::super::{FallbackLevel, Headless, LoadSettingsError, Role};
    use super::*;
    use crate::places::Places;
    use crate::surroundings::Surroundings;
    use crate::trust::Trust;

    struct Machine {
        folder: tempfile::TempDir,
        variables: BTreeMap<String, String>,
        trust: Trust,
    }

    impl Machine {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("app/.aegis")).unwrap();
            Self {
                folder,
                variables: BTreeMap::new(),
                trust: Trust::default(),
            }
        }

        fn write(&self, path: &str, text: &str) -> &Self {
            let path = self.folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn load(&self) -> Result<Settings, LoadSettingsError> {
            let root: &Path = self.folder.path();
            let surroundings = Surroundings {
                home: root.join("home"),
                directory: root.join("app"),
                managed: root.join("etc"),
                variables: self.variables.clone(),
                ..Surroundings::default()
            };
            Settings::load(&Places::of(&surroundings), &surroundings, &self.trust)
        }
    }

    const USER: &str = "home/.config/aegis/settings.toml";
    const PROJECT: &str = "app/.aegis/settings.toml";

    #[test]
    fn without_any_file_the_defaults_hold() {
        let machine = Machine::new();
        assert_eq!(machine.load().unwrap(), Settings::defaults().unwrap());
    }

    #[test]
    fn managed_settings_beat_those_of_the_user() {
        let machine = Machine::new();
        machine
            .write(USER, "fallback = \"host\"\nheadless = \"wait\"")
            .write("etc/settings.toml", "headless = \"defer\"");
        let settings = machine.load().unwrap();
        assert_eq!(settings.headless.value, Headless::Defer);
        assert_eq!(settings.headless.origin, Origin::Managed);
        assert_eq!(settings.fallback.origin, Origin::User);
    }

    #[test]
    fn a_project_tightens_and_never_loosens() {
        let machine = Machine::new();
        machine.write(USER, "headless = \"defer\"").write(
            PROJECT,
            "fallback = \"deny\"\nheadless = \"wait\"\nmode = \"observe\"\n\
             environment = \"dev\"\napproval_wait_max = \"1h\"",
        );
        let settings = machine.load().unwrap();
        assert_eq!(settings.fallback.value, FallbackLevel::Deny);
        assert_eq!(settings.fallback.origin, Origin::Project);
        assert_eq!(settings.headless.value, Headless::Defer);
        assert_eq!(settings.mode.value, Mode::Enforce);
        assert_eq!(settings.environment.value, None);
        let ignored: Vec<&str> = settings.ignored.iter().map(|value| value.key).collect();
        assert_eq!(
            ignored,
            ["headless", "mode", "approval_wait_max", "environment"]
        );
    }

    #[test]
    fn a_trusted_project_may_loosen_what_is_not_managed() {
        let mut machine = Machine::new();
        let text = "headless = \"wait\"\nmode = \"observe\"";
        machine
            .write("etc/settings.toml", "mode = \"enforce\"")
            .write(PROJECT, text);
        assert_eq!(machine.load().unwrap().headless.value, Headless::Deny);
        machine.trust.add(Digest::of(text.as_bytes()));
        let settings = machine.load().unwrap();
        assert_eq!(settings.headless.value, Headless::Wait);
        assert_eq!(settings.mode.value, Mode::Enforce);
    }

    #[test]
    fn the_environment_tightens_and_never_loosens() {
        let mut machine = Machine::new();
        machine.write(USER, "mode = \"observe\"");
        let mut set = |name: &str, value: &str| {
            machine.variables.insert(name.to_owned(), value.to_owned());
        };
        set("AEGIS_MODE", "enforce");
        set("AEGIS_APPROVAL_WAIT_MAX", "5s");
        let settings = machine.load().unwrap();
        assert_eq!(settings.mode.value, Mode::Enforce);
        assert_eq!(settings.mode.origin, Origin::Environment);
        assert_eq!(settings.approval_wait_max.value, DurationMs::from_secs(5));
        let mut machine = Machine::new();
        let observe = ("AEGIS_MODE".to_owned(), "observe".to_owned());
        machine.variables.extend([observe]);
        assert_eq!(machine.load().unwrap().mode.value, Mode::Enforce);
    }

    #[test]
    fn roles_of_servers_add_up_and_a_project_only_makes_more_known() {
        let mut machine = Machine::new();
        let project =
            "[mcp.files]\npath = [\"target\"]\ntext = [\"a\"]\naccess = {see = \"read\"}\n";
        machine
            .write(
                USER,
                "[mcp.files]\npath = [\"a\", \"b\"]\n[mcp.\"*\"]\nurl = [\"link\"]",
            )
            .write("etc/settings.toml", "[mcp.web]\nurl = [\"page\"]")
            .write(PROJECT, project);
        let settings = machine.load().unwrap();
        let files = settings.mcp.get("files").unwrap();
        assert_eq!(files.origin, Origin::Project);
        for name in ["a", "b", "target"] {
            assert!(files.value.is(Role::Path, name), "{name}");
        }
        assert_eq!(files.value.access_of("see"), None);
        assert_eq!(settings.mcp.get("web").unwrap().origin, Origin::Managed);
        let ignored: Vec<&str> = settings.ignored.iter().map(|value| value.key).collect();
        assert_eq!(ignored, ["mcp"]);
        machine.trust.add(Digest::of(project.as_bytes()));
        let settings = machine.load().unwrap();
        let files = &settings.mcp.get("files").unwrap().value;
        assert!(files.is(Role::Text, "a") && files.access_of("see").is_some());
        assert_eq!(settings.ignored, []);
    }

    #[test]
    fn an_unknown_key_or_value_is_an_error_that_names_the_file() {
        for text in ["fallbak = \"deny\"", "mode = \"off\"", "mode = 1", "= 2"] {
            let machine = Machine::new();
            machine.write(USER, text);
            let error = machine.load().unwrap_err().to_string();
            assert!(error.contains("settings.toml` is not valid"), "{error}");
        }
        let mut machine = Machine::new();
        let broken = ("AEGIS_MODE".to_owned(), "off".to_owned());
        machine.variables.extend([broken]);
        assert!(machine.load().is_err());
    }
}
