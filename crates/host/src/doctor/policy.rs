//! The policies in force, and the files that cannot be used.

use aegis_gate::{ActivePolicies, Origin, Places, Policies, PolicyInForce, Settings};
use aegis_types::PolicyStanding;

use super::{Part, Symptom};

/// Examines the policies.
pub(super) fn examine(places: &Places, settings: &Settings, symptoms: &mut Vec<Symptom>) {
    let in_force = ActivePolicies::new(places.clone(), settings.mode.value).in_force();
    for rejected in &in_force.rejected {
        let path = rejected.path.display();
        let then = if rejected.last_good.is_some() {
            "the last good one stays in force"
        } else {
            "no earlier good one is known, so every action is denied"
        };
        symptoms.push(Symptom::fault(
            Part::Policy,
            format!("`{path}` cannot be used: {}; {then}", rejected.cause),
            format!("correct it; `aegis policy check {path}` shows where"),
        ));
    }
    if let Some(fault) = in_force
        .fault
        .as_ref()
        .filter(|_| in_force.rejected.is_empty())
    {
        symptoms.push(Symptom::fault(
            Part::Policy,
            fault.clone(),
            "correct it; until then every action is denied",
        ));
    }
    for policy in &in_force.policies {
        symptoms.push(in_force_line(policy));
    }
}

fn in_force_line(policy: &PolicyInForce) -> Symptom {
    let model = policy.compiled.policy();
    let name = &model.name;
    let rules = model.rules.len();
    let place = policy.path.as_ref().map_or_else(
        || "built in; no file that counts in full holds a policy".to_owned(),
        |path| format!("`{}`", path.display()),
    );
    let whose = match policy.origin {
        Origin::Default => String::new(),
        Origin::User | Origin::Managed | Origin::Project | Origin::Environment => {
            format!("{}, ", policy.origin.as_str())
        }
    };
    let noun = if rules == 1 { "rule" } else { "rules" };
    let text = format!("`{name}` ({whose}{rules} {noun}): {place}");
    let standing = match policy.standing {
        PolicyStanding::Current => "",
        PolicyStanding::LastGood => ", as it was when it was last good",
    };
    if policy.only_tightens {
        return Symptom {
            remedy: Some("read it, then run `aegis trust` if its allows shall count".to_owned()),
            ..Symptom::note(
                Part::Policy,
                format!("{text}{standing}; it is not trusted, so it may only tighten"),
            )
        };
    }
    Symptom::good(Part::Policy, format!("{text}{standing}"))
}
