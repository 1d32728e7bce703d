//! Meeting the obligations of an allow, as far as this host can.
//!
//! The host runs the tool, so all that can be done is to change the input
//! before. What that does not reach cannot be met, and the call must not run.

use aegis_gate::Surroundings;
use aegis_types::{DurationMs, Obligation};
use serde_json::Value;

/// How long the host lets a command run that states no time-out.
const HOST_TIMEOUT: DurationMs = DurationMs::from_secs(120);

/// The variable of the host without which a command that takes too long is
/// moved to the background and runs on.
const NO_BACKGROUND: &str = "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS";

/// What the host does with a command whose time is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// It ends it.
    OnTimeout,
    /// It moves it to the background, where it runs on.
    Never,
}

impl Ending {
    /// Returns what the host does that `surroundings` show.
    pub(crate) fn of(surroundings: &Surroundings) -> Self {
        match surroundings
            .variables
            .get(NO_BACKGROUND)
            .map(String::as_str)
        {
            Some("1" | "true") => Self::OnTimeout,
            Some(_) | None => Self::Never,
        }
    }
}

/// The tools whose input states a time-out.
const TIMED_TOOLS: [&str; 2] = ["Bash", "PowerShell"];

/// Returns the input with which every obligation is met; absent if it may stay
/// as it is.
///
/// # Errors
///
/// The first obligation that cannot be met.
pub(crate) fn meet<'a>(
    obligations: &'a [Obligation],
    tool: &str,
    params: &Value,
    tagged: u32,
    ending: Ending,
) -> Result<Option<Value>, &'a Obligation> {
    let mut changed = None;
    for obligation in obligations {
        match obligation {
            // The record is what tells: the channel reads the log.
            Obligation::Notify(_) => {}
            Obligation::Timeout(limit)
                if ending == Ending::OnTimeout && TIMED_TOOLS.contains(&tool) && tagged == 0 =>
            {
                let present = changed.as_ref().unwrap_or(params);
                let limited = limit_time(present, *limit).ok_or(obligation)?;
                changed = limited.or(changed);
            }
            Obligation::Timeout(_)
            | Obligation::OutputBytesMax(_)
            | Obligation::Redact(_)
            | Obligation::Sandbox(_) => return Err(obligation),
        }
    }
    Ok(changed)
}

/// Returns the input that ends within `limit`, with nothing inside if it does
/// already; absent if it cannot be made to.
fn limit_time(params: &Value, limit: DurationMs) -> Option<Option<Value>> {
    let object = params.as_object()?;
    // The host lets what runs in the background run for ever.
    if object
        .get("run_in_background")
        .is_some_and(|value| *value != Value::Bool(false))
    {
        return None;
    }
    let stated = match object.get("timeout") {
        None => None,
        Some(value) => Some(value.as_u64()?),
    };
    if stated.is_some_and(|stated| stated > 0 && stated <= limit.as_ms()) {
        return Some(None);
    }
    let mut object = object.clone();
    let timeout = if stated.is_some() {
        limit
    } else {
        limit.min(HOST_TIMEOUT)
    };
    object.insert("timeout".to_owned(), Value::from(timeout.as_ms()));
    Some(Some(Value::Object(object)))
}

#[cfg(test)]
mod tests {
    use aegis_types::{RedactScope, SandboxScope};
    use serde_json::json;

    use super::*;

    fn timed(seconds: u64, params: &Value) -> Option<Option<Value>> {
        meet(
            &[Obligation::Timeout(DurationMs::from_secs(seconds))],
            "Bash",
            params,
            0,
            Ending::OnTimeout,
        )
        .ok()
    }

    #[test]
    fn a_command_is_given_the_shorter_time() {
        let with = |timeout: u64| Some(Some(json!({"command": "x", "timeout": timeout})));
        assert_eq!(timed(30, &json!({"command": "x"})), with(30_000));
        assert_eq!(
            timed(30, &json!({"command": "x", "timeout": 90_000})),
            with(30_000)
        );
        assert_eq!(timed(300, &json!({"command": "x"})), with(120_000));
        assert_eq!(
            timed(30, &json!({"command": "x", "timeout": 0})),
            with(30_000)
        );
    }

    #[test]
    fn a_command_that_is_short_enough_stays_as_it_is() {
        assert_eq!(
            timed(30, &json!({"command": "x", "timeout": 30_000})),
            Some(None)
        );
        assert_eq!(
            timed(
                30,
                &json!({"command": "x", "timeout": 1, "run_in_background": false})
            ),
            Some(None)
        );
    }

    #[test]
    fn what_the_host_would_not_end_cannot_be_met() {
        assert_eq!(
            timed(30, &json!({"command": "x", "run_in_background": true})),
            None
        );
        assert_eq!(timed(30, &json!({"command": "x", "timeout": "long"})), None);
        let timeout = [Obligation::Timeout(DurationMs::from_secs(1))];
        assert_eq!(
            meet(&timeout, "Read", &json!({}), 0, Ending::OnTimeout),
            Err(&timeout[0])
        );
        assert_eq!(
            meet(&timeout, "Bash", &json!({}), 1, Ending::OnTimeout),
            Err(&timeout[0])
        );
    }

    #[test]
    fn a_host_that_moves_commands_to_the_background_ends_none() {
        let timeout = [Obligation::Timeout(DurationMs::from_secs(1))];
        let params = json!({"command": "x"});
        assert_eq!(
            meet(&timeout, "Bash", &params, 0, Ending::Never),
            Err(&timeout[0])
        );
        let mut surroundings = Surroundings::default();
        assert_eq!(Ending::of(&surroundings), Ending::Never);
        surroundings
            .variables
            .insert(NO_BACKGROUND.to_owned(), "1".to_owned());
        assert_eq!(Ending::of(&surroundings), Ending::OnTimeout);
    }

    #[test]
    fn only_the_record_and_the_time_can_be_met_here() {
        for unmet in [
            Obligation::OutputBytesMax(1),
            Obligation::Redact(RedactScope::Secrets),
            Obligation::Sandbox(SandboxScope::Workspace),
        ] {
            let all = [Obligation::Notify("log".to_owned()), unmet];
            assert_eq!(
                meet(&all, "Bash", &json!({}), 0, Ending::OnTimeout),
                Err(&all[1])
            );
        }
        let notify = [Obligation::Notify("slack".to_owned())];
        assert_eq!(
            meet(&notify, "Read", &json!({}), 3, Ending::Never),
            Ok(None)
        );
    }
}
