//! A port that speaks TLS: as curl asks it, and as our own commands do.

use std::path::Path;
use std::process::{Command, Output};

use super::authority::Authority;
use super::running::Running;
use super::stage::Stage;

/// A stage with an authority and a certificate for this machine.
struct Place {
    stage: Stage,
    authority: Authority,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            stage: Stage::new(),
            authority: Authority::new("tests"),
        };
        place.stage.write("work/ca.pem", &place.authority.pem);
        let issued = place.authority.service(&["localhost", "127.0.0.1"]);
        issued.write(&place.stage.path("work"), "server");
        place
    }

    /// Starts a service whose port speaks TLS, with further flags.
    fn serve(&self, words: &[&str]) -> Running {
        let first = ["serve", "--listen", "127.0.0.1:0"];
        let tls = ["--tls-cert", "server.pem", "--tls-key", "server.key"];
        let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
        Running::start(
            &self.stage,
            program,
            &[&first[..], &tls, words].concat(),
            "https://",
        )
    }

    /// Asks `path` of a service by curl, with further words.
    fn curl(&self, service: &Running, path: &str, words: &[&str]) -> Output {
        Command::new("curl")
            .args(["-sS", "-w", "\n%{http_code}"])
            .args(words)
            .arg(format!("https://localhost:{}{path}", service.port()))
            .current_dir(self.stage.path("work"))
            .env("no_proxy", "*")
            .output()
            .expect("curl is installed")
    }

    fn token(&self, tenant: &str, role: &str) -> String {
        let words = ["token", "create", "--name", role, "--json"];
        let more = ["--tenant", tenant, "--role", role];
        let made = self.stage.aegis(&[&words[..], &more].concat()).exits(0);
        made.json()["token"].as_str().unwrap().to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn curl_asks_a_port_that_speaks_tls() {
    let place = Place::new();
    let service = place.serve(&[]);
    let health = place.curl(&service, "/healthz", &["--cacert", "ca.pem"]);
    assert_eq!(text(&health.stdout), "{\"status\":\"ok\"}\n200");
    for version in ["--tlsv1.2", "--tlsv1.3"] {
        let words = ["--cacert", "ca.pem", version, "--tls-max", &version[6..]];
        let health = place.curl(&service, "/healthz", &words);
        assert!(
            health.status.success(),
            "{version}: {}",
            text(&health.stderr)
        );
    }
    let old = ["--cacert", "ca.pem", "--tlsv1.0", "--tls-max", "1.1"];
    assert!(!place.curl(&service, "/healthz", &old).status.success());
    let nobody = place.curl(&service, "/v1/sessions", &["--cacert", "ca.pem"]);
    assert!(text(&nobody.stdout).ends_with("\n401"));
    let token = format!("Authorization: Bearer {}", place.token("local", "auditor"));
    let words = ["--cacert", "ca.pem", "-H", &token];
    let auditor = place.curl(&service, "/v1/sessions", &words);
    assert!(text(&auditor.stdout).ends_with("\n200"));
    let stranger = place.curl(&service, "/healthz", &[]);
    assert!(!stranger.status.success());
}
