//! A gate on a log, in a home folder made for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_canon::{Digest, Key};
use aegis_gate::{
    Clock, FixedPolicies, FixedProcesses, Gate, InForce, Origin, Parts, Places, PolicyInForce,
    Protected, Settings, SilentApprover, SleepingPause, Surroundings,
};
use aegis_log::Log;
use aegis_policy::{Compiled, MemorySources, Source, parse, policy_document};
use aegis_redact::Redactor;
use aegis_types::PolicyStanding;
use anyhow::{Context, Result, bail};

/// Makes a project with a file in a home folder; returns both folders.
pub fn make_home(root: &Path) -> Result<(PathBuf, PathBuf)> {
    let home = root.join("home");
    let project = home.join("project");
    fs::create_dir_all(project.join("src"))?;
    fs::write(project.join("src/main.rs"), "fn main() {}\n")?;
    fs::write(project.join("README.md"), "A project.\n")?;
    Ok((home, project))
}

/// Returns a gate that decides by the policy `text` and records in `log`.
pub fn gate(log: Arc<dyn Log>, clock: Arc<dyn Clock>, text: &str, root: &Path) -> Result<Gate> {
    let (home, directory) = make_home(root)?;
    let surroundings = Surroundings {
        home,
        directory,
        managed: root.join("managed"),
        host_managed: root.join("host-managed"),
        ..Surroundings::default()
    };
    gate_in(log, clock, in_force(text)?, surroundings)
}

/// Returns a gate that stands in `surroundings`, decides by one policy and records in `log`.
pub fn gate_in(
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    policy: PolicyInForce,
    surroundings: Surroundings,
) -> Result<Gate> {
    let places = Places::of(&surroundings);
    Ok(Gate::new(Parts {
        log,
        clock,
        pause: Arc::new(SleepingPause),
        policies: Arc::new(FixedPolicies::new(InForce {
            policies: vec![policy],
            ..InForce::default()
        })),
        processes: Arc::new(FixedProcesses::default()),
        approver: Arc::new(SilentApprover),
        settings: Settings::defaults()?,
        redactor: Redactor::new(Key::new(&[7; 32]).context("a key has 32 bytes")?),
        protected: Protected::of(&places, &surroundings),
        places,
        surroundings,
    }))
}

/// Returns the policy `text` as it is in force.
pub fn in_force(text: &str) -> Result<PolicyInForce> {
    let parsed = match parse(&Source::new("policy.yaml", text), &MemorySources::default()) {
        Ok(parsed) => parsed,
        Err(problems) => bail!("the policy is no good: {problems}"),
    };
    let document = policy_document(&parsed.texts);
    Ok(PolicyInForce {
        compiled: Arc::new(Compiled::new(parsed.policy, Digest::of(&document))),
        document: Arc::from(document),
        standing: PolicyStanding::Current,
        only_tightens: false,
        origin: Origin::User,
        path: None,
    })
}
