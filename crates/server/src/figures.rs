//! What the service counts of itself, in the text form of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aegis_log::{Log, Query, ReadLogError, Walk};
use aegis_types::EventKind;
use serde_json::Value;

/// The upper ends of the classes of latency, in microseconds, with their names in seconds.
const CLASSES: [(u64, &str); 8] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (1_000_000, "1"),
    (10_000_000, "10"),
];

/// How many decisions are read at a time.
const RECORDS_MAX: usize = 1_024;

/// What the service counts of itself.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    counts: Mutex<Counts>,
    decided: Mutex<Decided>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(String, String, u16), u64>,
    latency: BTreeMap<String, Latency>,
    refusals: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Latency {
    classes: [u64; CLASSES.len()],
    count: u64,
    total: Duration,
}

/// The decisions recorded since the service began, by verdict and reason.
#[derive(Debug, Default)]
struct Decided {
    /// Up to which place of the log they are counted; absent before the first look.
    place: Option<u64>,
    counts: BTreeMap<(String, String), u64>,
}

/// What is looked up when the figures are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// How many connections are open.
    pub(crate) connections: usize,
    /// How many approvals wait for a person.
    pub(crate) pending: usize,
    /// The place of the last record of the log.
    pub(crate) records: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Figures {
    /// Counts one request to `route` that was answered with `status`.
    pub(crate) fn answered(
        &self,
        method: &str,
        route: &str,
        status: u16,
        refusal: Option<&'static str>,
        took: Duration,
    ) {
        let mut counts = locked(&self.counts);
        let key = (route.to_owned(), method.to_owned(), status);
        *counts.requests.entry(key).or_default() += 1;
        if let Some(code) = refusal {
            *counts.refusals.entry(code).or_default() += 1;
        }
        let latency = counts.latency.entry(route.to_owned()).or_default();
        latency.count += 1;
        latency.total += took;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (count, (end, _)) in latency.classes.iter_mut().zip(CLASSES) {
            *count += u64::from(micros <= end);
        }
    }

    /// Begins to count decisions with those that come after what `log` holds.
    pub(crate) fn begin(&self, log: &dyn Log) -> Result<(), ReadLogError> {
        locked(&self.decided).place = Some(log.change_counter()?);
        Ok(())
    }

    /// Counts the decisions that were recorded since the last look, by whomever.
    pub(crate) fn look(&self, log: &dyn Log) -> Result<(), ReadLogError> {
        let mut decided = locked(&self.decided);
        let query = Query {
            kinds: &[EventKind::DecisionMade],
            limit: RECORDS_MAX,
            ..Query::default()
        };
        let mut place = match decided.place {
            Some(place) => place,
            None => log.change_counter()?,
        };
        loop {
            let found = log.walk(&query, Walk::After(place))?;
            let is_last = found.len() < RECORDS_MAX;
            for placed in found {
                place = placed.place;
                let payload = placed.envelope.payload.value();
                let text = |key: &str| {
                    let value = payload.get(key).and_then(Value::as_str);
                    value.unwrap_or_default().to_owned()
                };
                let key = (text("verdict"), text("reason"));
                *decided.counts.entry(key).or_default() += 1;
            }
            decided.place = Some(place);
            if is_last {
                return Ok(());
            }
        }
    }

    /// Writes everything in the text form of Prometheus.
    pub(crate) fn text(&self, moment: Moment) -> String {
        let mut page = Page::default();
        let counts = locked(&self.counts);
        page.begin("aegis_requests_total", "counter", "Requests answered.");
        for ((route, method, status), count) in &counts.requests {
            let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
            page.line("aegis_requests_total", &labels, count);
        }
        let name = "aegis_request_duration_seconds";
        page.begin(name, "histogram", "How long answers took.");
        for (route, latency) in &counts.latency {
            latency.write(&mut page, name, route);
        }
        page.begin(
            "aegis_refusals_total",
            "counter",
            "Requests refused, by kind.",
        );
        for (code, count) in &counts.refusals {
            page.line("aegis_refusals_total", &format!("kind=\"{code}\""), count);
        }
        let name = "aegis_decisions_total";
        page.begin(
            name,
            "counter",
            "Decisions recorded since the service began.",
        );
        for ((verdict, reason), count) in &locked(&self.decided).counts {
            let labels = format!("verdict=\"{verdict}\",reason=\"{reason}\"");
            page.line(name, &labels, count);
        }
        for (name, kind, help, value) in [
            (
                "aegis_approvals_pending",
                "gauge",
                "Approvals that wait for a person.",
                moment.pending as u64,
            ),
            (
                "aegis_connections",
                "gauge",
                "Connections that are open.",
                moment.connections as u64,
            ),
            (
                "aegis_log_records_total",
                "counter",
                "Records ever appended to the log.",
                moment.records,
            ),
        ] {
            page.begin(name, kind, help);
            page.line(name, "", &value);
        }
        page.0
    }
}

impl Latency {
    fn write(&self, page: &mut Page, name: &str, route: &str) {
        let bucket = format!("{name}_bucket");
        for (count, (_, end)) in self.classes.iter().zip(CLASSES) {
            page.line(&bucket, &format!("route=\"{route}\",le=\"{end}\""), count);
        }
        page.line(
            &bucket,
            &format!("route=\"{route}\",le=\"+Inf\""),
            &self.count,
        );
        let labels = format!("route=\"{route}\"");
        page.line(&format!("{name}_count"), &labels, &self.count);
        page.line(&format!("{name}_sum"), &labels, &self.total.as_secs_f64());
    }
}

#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: &dyn std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_latency_hold_all_below_them() {
        let figures = Figures::default();
        for millis in [0, 3, 3, 60_000] {
            let took = Duration::from_millis(millis);
            figures.answered("GET", "/x", 200, None, took);
        }
        let text = figures.text(Moment {
            connections: 2,
            pending: 1,
            records: 7,
        });
        for line in [
            "aegis_requests_total{route=\"/x\",method=\"GET\",status=\"200\"} 4",
            "aegis_request_duration_seconds_bucket{route=\"/x\",le=\"0.0005\"} 1",
            "aegis_request_duration_seconds_bucket{route=\"/x\",le=\"0.005\"} 3",
            "aegis_request_duration_seconds_bucket{route=\"/x\",le=\"10\"} 3",
            "aegis_request_duration_seconds_bucket{route=\"/x\",le=\"+Inf\"} 4",
            "aegis_approvals_pending 1",
            "aegis_connections 2",
            "aegis_log_records_total 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
