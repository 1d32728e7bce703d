use std::fs;

use aegis_types::PolicyStanding;

use super::*;
use crate::surroundings::Surroundings;

const GOOD: &str = "aegis: policy/v1\nname: mine\ndefault: ask\nrules:\n  - id: no-bash\n    match: {tool: Bash}\n    verdict: deny\n";

struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in ["home/.config/aegis", "app/.aegis"] {
            fs::create_dir_all(machine.0.path().join(folder)).unwrap();
        }
        machine
    }

    fn places(&self) -> Places {
        let root = self.0.path();
        Places::of(&Surroundings {
            home: root.join("home"),
            directory: root.join("app"),
            managed: root.join("etc"),
            ..Surroundings::default()
        })
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.path().join(path), text).unwrap();
    }

    fn load(&self) -> Arc<InForce> {
        ActivePolicies::new(self.places(), Mode::Enforce).in_force()
    }
}

const USER: &str = "home/.config/aegis/policy.yaml";
const PROJECT: &str = "app/.aegis/policy.yaml";

fn summary(in_force: &InForce) -> Vec<(Origin, PolicyStanding, bool)> {
    in_force
        .policies
        .iter()
        .map(|policy| (policy.origin, policy.standing, policy.only_tightens))
        .collect()
}

#[test]
fn without_any_file_the_built_in_pack_is_in_force() {
    let machine = Machine::new();
    for _ in 0..2 {
        let in_force = machine.load();
        assert_eq!(in_force.fault, None);
        assert_eq!(
            summary(&in_force),
            [(Origin::Default, PolicyStanding::Current, false)]
        );
    }
}

#[test]
fn a_broken_file_leaves_the_last_good_policy_in_force() {
    let machine = Machine::new();
    machine.write(USER, GOOD);
    let good = machine.load();
    assert_eq!(
        summary(&good),
        [(Origin::User, PolicyStanding::Current, false)]
    );
    machine.write(USER, "aegis: policy/v1\nname: mine\ndefault: perhaps\n");
    let after = machine.load();
    assert_eq!(
        summary(&after),
        [(Origin::User, PolicyStanding::LastGood, false)]
    );
    assert_eq!(
        after.policies[0].compiled.digest(),
        good.policies[0].compiled.digest()
    );
    assert_eq!(after.rejected.len(), 1);
    assert!(after.rejected[0].cause.contains("policy.yaml:3:"));
    fs::remove_file(machine.0.path().join(USER)).unwrap();
    assert_eq!(
        summary(&machine.load()),
        [(Origin::User, PolicyStanding::LastGood, false)]
    );
    let places = machine.places();
    assert!(ActivePolicies::forget(&places, &places.user_policy).unwrap());
    assert_eq!(
        summary(&machine.load()),
        [(Origin::Default, PolicyStanding::Current, false)]
    );
}

#[test]
fn a_file_that_never_held_a_good_policy_lets_nothing_be_decided() {
    let machine = Machine::new();
    machine.write(USER, "nonsense: [");
    let in_force = machine.load();
    assert!(
        in_force
            .fault
            .as_deref()
            .unwrap()
            .contains("cannot be used")
    );
    assert!(in_force.policies.is_empty());
}

#[test]
fn a_policy_whose_examples_fail_does_not_become_active() {
    let machine = Machine::new();
    let wrong = "aegis: policy/v1\nname: mine\ndefault: ask\nrules:\n  - id: no-push\n    match: {tool: Bash, shell: {program: git, subcommand: push}}\n    verdict: deny\n    examples:\n      matches: [\"git pull\"]\n";
    machine.write(USER, wrong);
    let in_force = machine.load();
    assert!(in_force.fault.as_deref().unwrap().contains("`no-push`"));
    machine.write(USER, &wrong.replace("git pull", "git push origin main"));
    assert_eq!(machine.load().fault, None);
}

#[test]
fn the_policy_of_a_project_only_tightens_until_it_is_trusted() {
    let machine = Machine::new();
    machine.write(PROJECT, GOOD);
    // What the built-in pack denies must not come free by such a file.
    let untrusted = [
        (Origin::Project, PolicyStanding::Current, true),
        (Origin::Default, PolicyStanding::Current, false),
    ];
    assert_eq!(summary(&machine.load()), untrusted);
    let places = machine.places();
    let path = places.project.clone().unwrap().policy;
    let mut trust = Trust::default();
    trust.add(ActivePolicies::digest_to_trust(&places, &path).unwrap());
    trust.save(&places.trust).unwrap();
    assert_eq!(
        summary(&machine.load()),
        [(Origin::Project, PolicyStanding::Current, false)]
    );
    machine.write(PROJECT, &GOOD.replace("no-bash", "no-shell"));
    assert_eq!(summary(&machine.load()), untrusted);
    // Beside a policy of the user's, the pack has nothing to hold up.
    machine.write(USER, GOOD);
    assert_eq!(
        summary(&machine.load()),
        [
            (Origin::User, PolicyStanding::Current, false),
            (Origin::Project, PolicyStanding::Current, true),
        ]
    );
}

#[test]
fn a_changed_file_is_read_again_and_an_unchanged_one_comes_from_the_cache() {
    let machine = Machine::new();
    machine.write(USER, GOOD);
    let policies = ActivePolicies::new(machine.places(), Mode::Enforce);
    let first = policies.in_force();
    assert!(Arc::ptr_eq(&first, &policies.in_force()));
    let other = machine.load();
    assert_eq!(first.digest(), other.digest());
    machine.write(USER, &GOOD.replace("default: ask", "default: deny"));
    assert_ne!(policies.in_force().digest(), first.digest());
}

#[test]
fn a_cache_that_others_may_write_is_not_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new();
    machine.write(USER, GOOD);
    machine.load();
    let places = machine.places();
    let last_good = fs::read_dir(places.cache.join("last-good"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::set_permissions(&last_good, fs::Permissions::from_mode(0o666)).unwrap();
    machine.write(USER, "broken: [");
    assert!(machine.load().fault.is_some());
}

#[test]
fn a_policy_may_extend_files_beside_it_and_a_change_there_counts() {
    let machine = Machine::new();
    machine.write("home/.config/aegis/base.yaml", GOOD);
    machine.write(USER, "aegis: policy/v1\nname: top\nextends: [base.yaml]\n");
    let first = machine.load();
    assert_eq!(first.fault, None, "{:?}", first.rejected);
    machine.write(
        "home/.config/aegis/base.yaml",
        &GOOD.replace("verdict: deny", "verdict: ask"),
    );
    assert_ne!(machine.load().digest(), first.digest());
}

#[test]
fn the_examples_of_the_built_in_packs_hold() {
    for name in aegis_policy::pack_names() {
        let source = aegis_policy::Source::new(name, aegis_policy::pack(name).unwrap());
        let sources = aegis_policy::MemorySources::default();
        let parsed = aegis_policy::parse(&source, &sources).unwrap();
        let compiled = aegis_policy::Compiled::new(parsed.policy, Digest::of(b""));
        let failures = aegis_engine::check_examples(&compiled, &example_request);
        assert!(failures.is_empty(), "{name}: {failures:#?}");
    }
}
