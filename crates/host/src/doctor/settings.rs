//! The settings of Aegis, each with its value and where it comes from.

use std::path::Path;

use aegis_gate::{
    DurabilityLevel, FallbackLevel, Headless, Origin, Places, SealLevel, ServerRoles, Setting,
    Settings, Surroundings, Trust,
};
use aegis_types::Mode;

use super::{Part, Symptom};

/// Examines the settings, and returns those in force.
pub(super) fn examine(
    places: &Places,
    surroundings: &Surroundings,
    symptoms: &mut Vec<Symptom>,
) -> Option<Settings> {
    let trust = Trust::load(&places.trust).unwrap_or_else(|error| {
        symptoms.push(Symptom::fault(
            Part::Settings,
            error.to_string(),
            format!(
                "remove `{}` and trust the files again",
                places.trust.display()
            ),
        ));
        Trust::default()
    });
    let settings = match Settings::load(places, surroundings, &trust) {
        Ok(settings) => settings,
        Err(error) => {
            symptoms.push(Symptom::fault(
                Part::Settings,
                error.to_string(),
                "correct it; until then every action is denied",
            ));
            return None;
        }
    };
    for line in lines(&settings) {
        symptoms.push(Symptom::note(Part::Settings, line));
    }
    if settings.mode.value == Mode::Observe {
        symptoms.push(Symptom::warning(
            Part::Settings,
            "policies only watch: what they deny is recorded and let through",
            "set `mode = \"enforce\"`",
        ));
    }
    for ignored in &settings.ignored {
        symptoms.push(Symptom::warning(
            Part::Settings,
            format!(
                "`{}` from the {} does not count: {}",
                ignored.key,
                ignored.origin.as_str(),
                ignored.cause
            ),
            "remove it there, or set it where it counts",
        ));
    }
    Some(settings)
}

fn lines(settings: &Settings) -> Vec<String> {
    let durability = match settings.durability.value {
        DurabilityLevel::Normal => "normal",
        DurabilityLevel::Full => "full",
    };
    let seal = match settings.seal.value {
        SealLevel::Off => "off",
        SealLevel::Results => "results",
    };
    let fallback = match settings.fallback.value {
        FallbackLevel::Host => "host",
        FallbackLevel::Deny => "deny",
    };
    let headless = match settings.headless.value {
        Headless::Wait => "wait",
        Headless::Defer => "defer",
        Headless::Deny => "deny",
    };
    let mode = match settings.mode.value {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
    };
    let socket = settings.service.value.socket.as_deref();
    let service = socket.map_or("none".into(), Path::to_string_lossy);
    let environment = settings.environment.value.as_deref().unwrap_or("none");
    let mut lines = vec![
        line("durability", durability, origin(&settings.durability)),
        line("seal", seal, origin(&settings.seal)),
        line("fallback", fallback, origin(&settings.fallback)),
        line("headless", headless, origin(&settings.headless)),
        line("environment", environment, origin(&settings.environment)),
        line("mode", mode, origin(&settings.mode)),
        line(
            "approval_wait_max",
            &settings.approval_wait_max.value.to_string(),
            origin(&settings.approval_wait_max),
        ),
        line(
            "tenant",
            settings.tenant.value.as_str(),
            origin(&settings.tenant),
        ),
        line(
            "agent",
            settings.agent.value.as_str(),
            origin(&settings.agent),
        ),
        line("service", &service, origin(&settings.service)),
    ];
    lines.extend(settings.mcp.iter().map(|(server, roles)| {
        let key = format!("mcp.{server}");
        line(&key, &roles_of(&roles.value), origin(roles))
    }));
    lines
}

fn roles_of(roles: &ServerRoles) -> String {
    let arguments = roles.arguments.iter().map(|(role, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        format!("{}: {}", role.as_str(), names.join(" "))
    });
    let access = roles
        .access
        .iter()
        .map(|(tool, access)| format!("{tool}: {access}"));
    arguments.chain(access).collect::<Vec<_>>().join(", ")
}

const fn origin<T>(setting: &Setting<T>) -> Origin {
    setting.origin
}

fn line(key: &str, value: &str, origin: Origin) -> String {
    format!("{key} = {value} ({})", origin.as_str())
}
