//! A port that speaks TLS: as curl asks it, and as our own commands do.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use super::authority::{Authority, uri};
use super::running::Running;
use super::stage::{Stage, Told};

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

    /// Writes the certificate of the client `name` and its key.
    fn client(&self, name: &str) {
        let names = [uri(&format!("spiffe://acme/{name}"))];
        let issued = self.authority.client(&names);
        issued.write(&self.stage.path("work"), name);
    }

    /// Runs a command that asks `service`.
    fn ask(&self, service: &Running, words: &[&str], variables: &[(&str, &str)]) -> Told {
        let server = format!("https://localhost:{}", service.port());
        let mut known = vec![("AEGIS_SERVER", server.as_str())];
        known.extend_from_slice(variables);
        self.stage.aegis_with(words, &known)
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

/// Two clients, and what each may do.
const PRINCIPALS: &str = "aegis: principals/v1
principals:
  - {name: ana, tenant: acme, roles: [approver, auditor], uri: 'spiffe://acme/ana'}
  - {name: bot, tenant: acme, roles: agent, uri: 'spiffe://acme/bot'}
";

/// The flags of a service whose callers name themselves by certificates.
const MUTUAL: [&str; 4] = ["--client-ca", "ca.pem", "--principals", "principals.yaml"];

fn mutual() -> Place {
    let place = Place::new();
    place.stage.write("work/principals.yaml", PRINCIPALS);
    for name in ["ana", "bot", "cat"] {
        place.client(name);
    }
    place
}

#[test]
fn curl_names_itself_by_a_certificate() {
    let place = mutual();
    let service = place.serve(&MUTUAL);
    let ask = |name: &str, path: &str| {
        let (cert, key) = (format!("{name}.pem"), format!("{name}.key"));
        let words = ["--cacert", "ca.pem", "--cert", &cert, "--key", &key];
        let told = place.curl(&service, path, &words);
        text(&told.stdout).lines().last().unwrap().to_owned()
    };
    assert_eq!(ask("ana", "/v1/sessions"), "200");
    assert_eq!(ask("bot", "/v1/sessions"), "403");
    assert_eq!(ask("cat", "/v1/sessions"), "401");
    let without = place.curl(&service, "/healthz", &["--cacert", "ca.pem"]);
    assert!(!without.status.success(), "{}", text(&without.stdout));
    drop(service);
    let optional = [&MUTUAL[..], &["--client-auth", "optional"]].concat();
    let service = place.serve(&optional);
    let token = format!("Authorization: Bearer {}", place.token("acme", "auditor"));
    let words = ["--cacert", "ca.pem", "-H", &token];
    let told = place.curl(&service, "/v1/sessions", &words);
    assert!(
        text(&told.stdout).ends_with("\n200"),
        "{}",
        text(&told.stderr)
    );
}

#[test]
fn commands_ask_a_service_over_tls() {
    let place = mutual();
    let service = place.serve(&MUTUAL);
    let list = ["approvals", "list", "--json"];
    let files = ["--ca", "ca.pem", "--cert", "ana.pem", "--key", "ana.key"];
    place
        .ask(&service, &[&list[..], &files].concat(), &[])
        .exits(0);
    let known = [
        ("AEGIS_CA", "ca.pem"),
        ("AEGIS_CERT", "ana.pem"),
        ("AEGIS_KEY", "ana.key"),
    ];
    place.ask(&service, &list, &known).exits(0);
    let other = [
        ("AEGIS_CA", "ca.pem"),
        ("AEGIS_CERT", "bot.pem"),
        ("AEGIS_KEY", "bot.key"),
    ];
    place.ask(&service, &list, &other).exits(2);
    let event = r#"{"session_id":"s","event_type":"MEMORY_READ","payload":{}}"#;
    let bot = [
        "--cacert", "ca.pem", "--cert", "bot.pem", "--key", "bot.key",
    ];
    let told = place.curl(&service, "/v1/events", &[&bot[..], &["-d", event]].concat());
    assert!(
        text(&told.stdout).ends_with("\n201"),
        "{}",
        text(&told.stdout)
    );
    let aegisctl = place.stage.path("bin/aegisctl");
    symlink(env!("CARGO_BIN_EXE_aegis"), &aegisctl).unwrap();
    let server = format!("https://localhost:{}", service.port());
    let words = [
        "verify",
        "--tenant",
        "acme",
        "--session",
        "s",
        "--server",
        &server,
    ];
    place.stage.person(&aegisctl, &words, &known).exits(0);
    let told = place.stage.person(&aegisctl, &words, &known[..1]).exits(3);
    assert!(told.err.contains("--cert FILE"), "{}", told.whole());
}

#[test]
fn what_keeps_client_and_service_apart_is_told_with_the_next_step() {
    let place = mutual();
    let service = place.serve(&MUTUAL);
    let list = ["approvals", "list"];
    let ask = |words: &[&str], exit: i32, cause: &str, step: &str| {
        let told = place
            .ask(&service, &[&list[..], words].concat(), &[])
            .exits(exit);
        assert!(told.err.contains(cause), "{}", told.whole());
        assert!(told.err.contains(step), "{}", told.whole());
    };
    ask(&[], 2, "whose certificate", "--ca FILE");
    ask(
        &["--ca", "nothing.pem"],
        2,
        "`nothing.pem` cannot be read",
        "may read",
    );
    ask(
        &["--ca", "ana.key"],
        2,
        "`ana.key` holds no certificate",
        "BEGIN CERTIFICATE",
    );
    ask(
        &["--ca", "ca.pem"],
        3,
        "wants a certificate of this client",
        "--cert FILE",
    );
    ask(
        &["--ca", "ca.pem", "--cert", "ana.pem"],
        2,
        "needs its key",
        "--key FILE",
    );
    let cat = ["--ca", "ca.pem", "--cert", "cat.pem", "--key", "cat.key"];
    ask(&cat, 2, "no entry of the file of principals", "SHA-256");
    place
        .stage
        .write("work/else.pem", &Authority::new("else").pem);
    ask(
        &["--ca", "else.pem"],
        3,
        "no authority that is trusted",
        "--ca FILE",
    );
    Authority::new("else")
        .client(&[])
        .write(&place.stage.path("work"), "else");
    let other = ["--ca", "ca.pem", "--cert", "else.pem", "--key", "else.key"];
    ask(
        &other,
        3,
        "does not take the certificate",
        "authority that it knows",
    );
    let key = place.stage.path("work/ana.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = ["--ca", "ca.pem", "--cert", "ana.pem", "--key", "ana.key"];
    ask(&exposed, 2, "its mode is 644", "`chmod 600 ana.key`");
}

#[test]
fn each_side_is_told_when_the_other_is_not_who_it_asked_for() {
    let place = Place::new();
    let service = place.serve(&[]);
    let address = format!("http://localhost:{}", service.port());
    let words = ["approvals", "list", "--server", &address];
    let told = place.stage.aegis(&words).exits(2);
    assert!(
        told.err.contains("this port speaks TLS; write `https://`"),
        "{}",
        told.whole()
    );
    drop(service);
    let elsewhere = place.authority.service(&["a.example"]);
    elsewhere.write(&place.stage.path("work"), "server");
    let service = place.serve(&[]);
    let told = place
        .ask(&service, &["approvals", "list", "--ca", "ca.pem"], &[])
        .exits(3);
    assert!(
        told.err
            .contains("is for `a.example`, and not for `localhost`"),
        "{}",
        told.whole()
    );
    drop(service);
    let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
    let words = ["serve", "--listen", "127.0.0.1:0"];
    let clear = Running::start(&place.stage, program, &words, "http://127");
    let told = place
        .ask(&clear, &["approvals", "list", "--ca", "ca.pem"], &[])
        .exits(3);
    assert!(
        told.err.contains("speaks no TLS") && told.err.contains("http://"),
        "{}",
        told.whole()
    );
}

#[test]
fn a_service_that_would_not_be_as_safe_as_it_says_does_not_start() {
    let place = mutual();
    let folder = place.stage.path("work");
    let refuse = |words: &[&str], cause: &str, step: &str| {
        let told = place.stage.aegis(&[&["serve"], words].concat()).exits(2);
        assert!(
            told.err.contains(cause) && told.err.contains(step),
            "{}",
            told.whole()
        );
    };
    let port = ["--listen", "127.0.0.1:0"];
    let with = |words: &[&'static str]| [&port[..], words].concat();
    let (cert, key) = (["--tls-cert", "server.pem"], ["--tls-key", "server.key"]);
    refuse(
        &with(&cert),
        "no effect without `--tls-key`",
        "add `--tls-key FILE`",
    );
    refuse(&with(&key), "no effect without `--tls-cert`", "");
    refuse(&with(&MUTUAL[..2]), "no effect without `--tls-cert`", "");
    let tls = with(&[&cert[..], &key].concat());
    let more = |words: &[&'static str]| [&tls[..], words].concat();
    refuse(&more(&MUTUAL[2..]), "no effect without `--client-ca`", "");
    refuse(
        &more(&["--client-auth", "optional"]),
        "no effect without `--client-ca`",
        "",
    );
    refuse(
        &more(&["--clear-text"]),
        "exclude each other",
        "take one of them away",
    );
    refuse(&[&cert[..], &key].concat(), "speaks no TLS", "--listen");
    refuse(&["--listen", "0.0.0.0:0"], "clear text", "--tls-cert");
    refuse(
        &["--clear-text"],
        "no effect without `--listen`",
        "--listen ADDRESS",
    );
    place.stage.write(
        "work/principals.yaml",
        "aegis: principals/v1\nprincipals: [{name: a}]\n",
    );
    refuse(&more(&MUTUAL), "do not hold", "aegis validate");
    let ca = more(&["--client-ca", "none.pem"]);
    refuse(&ca, "`", "none.pem` cannot be read");
    let expired = place.authority.expired_service(&["localhost"]);
    expired.write(&folder, "server");
    refuse(&tls, "has expired", "renewed");
    place
        .authority
        .service(&["localhost"])
        .write(&folder, "server");
    place
        .authority
        .service(&["localhost"])
        .write(&folder, "other");
    fs::rename(folder.join("other.key"), folder.join("server.key")).unwrap();
    refuse(&tls, "is not that of the certificate", "asked for");
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o604)).unwrap();
    refuse(&tls, "its mode is 604", "chmod 600");
}

#[test]
fn the_keys_of_the_settings_have_effect() {
    let place = mutual();
    let folder = place.stage.path("work").display().to_string();
    let tls = "tls:\n  enabled: true\n  cert_file: server.pem\n  key_file: server.key\n  \
               ca_file: DIR/ca.pem\n";
    let settings = |rest: &str| {
        let text = format!("addr: 127.0.0.1:0\ntrust_mode: prod\n{tls}{rest}");
        place
            .stage
            .write("work/aegis.yaml", &text.replace("DIR", &folder));
        place.stage.aegis(&["validate", "aegis.yaml"]).exits(0);
    };
    let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
    let words = ["serve", "--config", "aegis.yaml"];
    let start = || Running::start(&place.stage, program, &words, "https://");
    let files = [
        "--cacert", "ca.pem", "--cert", "ana.pem", "--key", "ana.key",
    ];
    let status = |service: &Running, words: &[&str]| {
        let told = place.curl(service, "/v1/sessions", words);
        text(&told.stdout)
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    };
    // Nobody names themselves by a token: in `prod` that keeps it from starting.
    settings("");
    let told = place.stage.aegis(&words).exits(2);
    assert!(told.err.contains("there is no token"), "{}", told.whole());
    settings("  principals_file: principals.yaml\n");
    let service = start();
    assert_eq!(status(&service, &files), "200");
    assert_eq!(status(&service, &files[..2]), "000");
    drop(service);
    settings("  principals_file: principals.yaml\n  client_auth: optional\n");
    let service = start();
    assert_eq!(status(&service, &files[..2]), "401");
    drop(service);
    // A flag counts more than the file.
    let more = [&words[..], &["--client-auth", "required"]].concat();
    let service = Running::start(&place.stage, program, &more, "https://");
    assert_eq!(status(&service, &files[..2]), "000");
}

#[test]
fn a_port_for_everybody_may_speak_tls_and_says_what_becomes_of_renewals() {
    let place = Place::new();
    let everybody = ["--listen", "0.0.0.0:0", "--access-log", "json"];
    let tls = ["--tls-cert", "server.pem", "--tls-key", "server.key"];
    let words = [&["serve"], &everybody[..], &tls].concat();
    let program = Path::new(env!("CARGO_BIN_EXE_aegis"));
    let service = Running::start(&place.stage, program, &words, "https://0.0.0.0:");
    let (_, port) = service.said.split_once("https://0.0.0.0:").unwrap();
    let address = format!("https://localhost:{}/healthz", port.trim());
    let ask = || {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--cacert", "ca.pem", &address]);
        let told = curl.current_dir(place.stage.path("work")).output().unwrap();
        assert!(told.status.success(), "{}", text(&told.stderr));
    };
    ask();
    let issued = place.authority.service(&["localhost"]);
    issued.write(&place.stage.path("work"), "server");
    ask();
    place.stage.write("work/server.pem", "nothing");
    ask();
    ask();
    let mut stranger = Command::new("curl");
    let stranger = stranger.args(["-sS", &address]).output().unwrap();
    assert!(!stranger.status.success());
    let err = service.stop();
    let said: Vec<serde_json::Value> = err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["from"] == "tls")
        .collect();
    let levels: Vec<&str> = said
        .iter()
        .map(|it| it["level"].as_str().unwrap())
        .collect();
    assert_eq!(levels, ["info", "error", "warn"], "{err}");
    let message = said[1]["message"].as_str().unwrap();
    assert!(
        message.contains("server.pem` holds no certificate"),
        "{message}"
    );
}
