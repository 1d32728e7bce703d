//! A port that speaks TLS: who gets in, and who they are.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use aegis_api::{AnswerRequest, ApprovalReply, Client, ClientError, Connect as _};
use aegis_server::{Demand, Limits, Role};
use aegis_tls::SecureError;
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
};

use crate::authority::{Authority, Issued, client_params, host, mail, uri};
use crate::decisions::bash;
use crate::secured::{Secured, send, status_of};

const PATIENCE: Duration = Duration::from_secs(20);

/// Returns what kept client and service from speaking.
fn mistrust(client: &Client) -> String {
    let error = client.get::<Value>("/healthz").unwrap_err();
    let ClientError::Unreachable { source, .. } = error else {
        panic!("{error:?}");
    };
    let inner = source
        .get_ref()
        .and_then(|it| it.downcast_ref::<SecureError>());
    inner.unwrap_or_else(|| panic!("{source:?}")).to_string()
}

fn agent(by: &str) -> String {
    format!("{{name: bot, tenant: acme, roles: agent, {by}}}")
}

#[test]
fn a_certificate_names_its_holder_by_any_of_its_names() {
    for (by, name) in [
        ("uri: 'spiffe://acme/bot'", uri("spiffe://acme/bot")),
        ("dns: bot.acme.example", host("bot.acme.example")),
        ("email: bot@acme.example", mail("bot@acme.example")),
    ] {
        let secured = Secured::new(Demand::Required, &agent(by));
        let shown = secured.authority.client(&[name]);
        let agent = secured.client(Some(&shown), None);
        agent.decide(&bash("one", "ls")).unwrap();
        let stranger = secured.authority.client(&[uri("spiffe://acme/cat")]);
        let ask = |shown: &Issued| secured.status("GET", "/v1/sessions", Some(shown), None, "");
        assert_eq!((ask(&shown), ask(&stranger)), (403, 401), "{by}");
    }
}

#[test]
fn the_name_of_a_certificate_is_in_the_record_and_nobody_else_has_it() {
    let secured = Secured::new(Demand::Optional, &agent("uri: 'spiffe://acme/bot'"));
    let shown = secured.authority.client(&[uri("spiffe://acme/bot")]);
    let bot = secured.client(Some(&shown), None);
    bot.decide(&bash("one", "ls")).unwrap();
    let auditor = secured.stage.token("acme", &[Role::Auditor]);
    let auditor = secured.client(None, Some(&auditor));
    let shown: Value = auditor.get("/v1/decisions/s/one").unwrap();
    assert!(shown.to_string().contains("certificate:bot"), "{shown}");
    let token = secured.stage.token("acme", &[Role::Agent]);
    let mut request = bash("two", "ls");
    request.user_id = Some("certificate:bot".to_owned());
    let other = secured.client(None, Some(&token));
    let refused = other.decide(&request).unwrap_err();
    assert!(refused.to_string().contains("certificate:"), "{refused}");
}

#[test]
fn who_approves_by_a_certificate_is_recorded_by_it() {
    let entries = format!(
        "{}, {{name: ana, tenant: acme, roles: approver, uri: 'spiffe://acme/ana'}}",
        agent("uri: 'spiffe://acme/bot'")
    );
    let secured = Secured::new(Demand::Required, &entries);
    let by = |name: &str| {
        let shown = secured.authority.client(&[uri(name)]);
        secured.client(Some(&shown), None)
    };
    let bot = by("spiffe://acme/bot");
    let asked = bot
        .decide(&bash("one", "git push --force origin a"))
        .unwrap();
    let id = asked.approval.unwrap()["approval_token"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let answer = AnswerRequest {
        approved: true,
        note: None,
    };
    bot.answer(&id, &answer).unwrap_err();
    let granted: ApprovalReply = by("spiffe://acme/ana").answer(&id, &answer).unwrap();
    let granted = serde_json::to_value(&granted).unwrap();
    let first = &granted["answers"][0];
    assert_eq!(first["decided_by"], "certificate:ana", "{granted}");
    assert_eq!(first["assurance"], "high", "{granted}");
}

#[test]
fn a_token_and_a_certificate_allow_together_what_both_allow() {
    let entries = "{name: ci, tenant: acme, roles: [agent, auditor], agents: [builder, tester], \
                   uri: 'spiffe://acme/ci'}";
    let secured = Secured::new(Demand::Required, entries);
    let shown = secured.authority.client(&[uri("spiffe://acme/ci")]);
    let stage = &secured.stage;
    let both = |token: &str, path: &str| secured.status("GET", path, Some(&shown), Some(token), "");
    let sessions = |token: &str| both(token, "/v1/sessions");
    let tokens = |token: &str| both(token, "/v1/tokens");
    let auditor = stage.token("acme", &[Role::Auditor, Role::Operator]);
    // The certificate makes no operator, and the token no agent.
    assert_eq!((sessions(&auditor), tokens(&auditor)), (200, 403));
    let post = |token: &str| {
        let body = serde_json::to_string(&bash("one", "ls")).unwrap();
        secured.status("POST", "/v1/decisions", Some(&shown), Some(token), &body)
    };
    assert_eq!(post(&auditor), 403);
    let nobody = stage.token("acme", &[Role::Approver]);
    assert_eq!(sessions(&nobody), 403);
    let elsewhere = stage.token("other", &[Role::Auditor]);
    assert_eq!(sessions(&elsewhere), 401);
    assert_eq!(sessions("aegis_x_y"), 401);
    // Of two agents that the certificate is for, the token leaves one.
    let decide = |token: &str, agent: Option<&str>| {
        let mut request = bash(&format!("for-{agent:?}"), "ls");
        request.agent_id = agent.map(str::to_owned);
        secured
            .client(Some(&shown), Some(token))
            .decide(&request)
            .is_ok()
    };
    let builder = stage.token_for("acme", &[Role::Agent], &["builder", "else"]);
    assert!(decide(&builder, None) && decide(&builder, Some("builder")));
    assert!(!decide(&builder, Some("tester")) && !decide(&builder, Some("else")));
    let any = stage.token("acme", &[Role::Agent]);
    assert!(decide(&any, Some("tester")) && !decide(&any, Some("else")));
    // Where no agent is left there is none, and not any.
    let other = stage.token_for("acme", &[Role::Agent], &["else"]);
    assert!(!decide(&other, None) && !decide(&other, Some("else")));
}

#[test]
fn a_certificate_that_no_entry_names_is_nobodys_whatever_token_comes_with_it() {
    let secured = Secured::new(Demand::Required, &agent("uri: 'spiffe://acme/bot'"));
    let shown = secured.authority.client(&[uri("spiffe://acme/cat")]);
    let token = secured.stage.token("acme", &[Role::Auditor]);
    let client = secured.client(Some(&shown), Some(&token));
    let refused = client.get::<Value>("/v1/sessions").unwrap_err();
    let fingerprint = aegis_canon::Digest::of(&shown.der).to_string();
    assert!(refused.to_string().contains(&fingerprint), "{refused}");
}

#[test]
fn without_a_file_of_principals_a_certificate_opens_the_port_and_names_nobody() {
    let secured = Secured::start(Limits::default(), Some(Demand::Required), None);
    let shown = secured.authority.client(&[uri("spiffe://acme/bot")]);
    let token = secured.stage.token("acme", &[Role::Auditor]);
    let ask = |token| secured.status("GET", "/v1/sessions", Some(&shown), token, "");
    assert_eq!((ask(None), ask(Some(&token))), (401, 200));
    let without = secured.client(None, Some(&token));
    let wanted = "it wants a certificate of this client";
    assert_eq!(mistrust(&without), wanted);
    // Whoever has much to say hears it all the same.
    let mut request = bash("one", "ls");
    request.args = json!({"command": "x".repeat(1 << 20)});
    let refused = without.decide(&request).unwrap_err();
    assert!(
        aegis_gate::with_causes(&refused).contains(wanted),
        "{refused:?}"
    );
}

#[test]
fn a_certificate_that_cannot_be_verified_opens_nothing_not_even_where_none_is_needed() {
    let names = [uri("spiffe://acme/bot")];
    let mut for_services = client_params(&names);
    for_services.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    for demand in [Demand::Required, Demand::Optional] {
        let secured = Secured::new(demand, &agent("uri: 'spiffe://acme/bot'"));
        // Whoever calls the authority by its name has not its key.
        for (shown, cause) in [
            (Authority::new("tests").client(&names), "cannot be verified"),
            (Authority::new("else").client(&names), "not known there"),
            (secured.authority.expired_client(&names), "expired"),
            (
                secured.authority.sign(&for_services),
                "not made for clients",
            ),
        ] {
            let said = mistrust(&secured.client(Some(&shown), None));
            assert!(
                said.contains("does not take") && said.contains(cause),
                "{said}"
            );
        }
    }
    let secured = Secured::new(Demand::Optional, &agent("uri: 'spiffe://acme/bot'"));
    let token = secured.stage.token("acme", &[Role::Auditor]);
    let ask = |token| secured.status("GET", "/v1/sessions", None, token, "");
    assert_eq!((ask(None), ask(Some(&token))), (401, 200));
}

#[test]
fn who_is_taken_out_of_the_file_is_nobody_on_open_connections_too() {
    let secured = Secured::new(Demand::Required, &agent("uri: 'spiffe://acme/bot'"));
    let shown = secured.authority.client(&[uri("spiffe://acme/bot")]);
    let mut stream = BufReader::new(secured.connect(Some(&shown)));
    let mut ask = || {
        send(stream.get_mut(), "GET", "/v1/sessions", "", "");
        let status = status_of(&mut stream);
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        stream.read_exact(&mut vec![0; length]).unwrap();
        status
    };
    assert_eq!(ask(), 403);
    secured.name(&agent("uri: 'spiffe://acme/cat'"));
    assert_eq!(ask(), 401);
    secured.name("{");
    assert_eq!(ask(), 401);
    secured.name(&agent("uri: 'spiffe://acme/bot'"));
    assert_eq!(ask(), 403);
}

#[test]
fn a_renewed_certificate_is_shown_and_a_broken_one_is_not() {
    let secured = Secured::start(Limits::default(), None, None);
    let ask = || {
        secured
            .client(None, None)
            .get::<Value>("/healthz")
            .map(drop)
    };
    ask().unwrap();
    let renewed = secured.authority.service(&["other.example", "localhost"]);
    renewed.write(secured.stage.folder(), "server");
    ask().unwrap();
    let elsewhere = secured.authority.service(&["other.example"]);
    elsewhere.write(secured.stage.folder(), "server");
    let said = mistrust(&secured.client(None, None));
    assert_eq!(
        said,
        "its certificate is for `other.example`, and not for `localhost`"
    );
    secured
        .authority
        .service(&["localhost"])
        .write(secured.stage.folder(), "server");
    ask().unwrap();
    // Half of a renewal, and what is none: the one before stays in use.
    let half = secured.authority.service(&["localhost", "half"]);
    fs::write(secured.file("server.pem"), &half.pem).unwrap();
    ask().unwrap();
    fs::write(secured.file("server.pem"), "nothing").unwrap();
    ask().unwrap();
    fs::remove_file(secured.file("server.key")).unwrap();
    ask().unwrap();
    half.write(secured.stage.folder(), "server");
    ask().unwrap();
}

#[test]
fn an_authority_that_is_taken_away_is_believed_no_more() {
    let secured = Secured::start(Limits::default(), Some(Demand::Required), None);
    let shown = secured.authority.client(&[uri("spiffe://acme/bot")]);
    let client = secured.client(Some(&shown), None);
    client.get::<Value>("/healthz").unwrap();
    fs::write(secured.file("ca.pem"), Authority::new("else").pem).unwrap();
    assert!(mistrust(&client).contains("does not take"));
}

/// Opens a connection to the port with TLS and says nothing.
fn silent(secured: &Secured) -> TcpStream {
    let stream = TcpStream::connect(secured.stage.secure_port()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Returns whether the other side ends a connection, however the system calls it.
fn is_let_go(stream: &mut impl Read) -> bool {
    let abrupt = [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof];
    match stream.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => abrupt.contains(&error.kind()),
    }
}

#[test]
fn a_client_that_says_nothing_is_let_go() {
    let limits = Limits {
        head_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let secured = Secured::start(limits, None, None);
    let mut nothing = silent(&secured);
    // Half a greeting is no greeting.
    let mut half = silent(&secured);
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
    // A handshake without a request after it ends in the same way.
    let mut shaken = secured.connect(None);
    assert!(is_let_go(&mut nothing));
    assert!(is_let_go(&mut half));
    assert!(is_let_go(&mut shaken));
}

#[test]
fn clients_that_say_nothing_keep_nobody_out_at_any_door() {
    let limits = Limits {
        head_time: 4 * PATIENCE,
        handshakes: 2,
        connections: 6,
        ..Limits::default()
    };
    let secured = Secured::start(limits, None, None);
    // Two may say nothing at the door with TLS; the oldest makes room.
    let mut silent: Vec<TcpStream> = (0..8).map(|_| silent(&secured)).collect();
    for first in &mut silent[..6] {
        assert!(is_let_go(first));
    }
    let known = secured.client(None, None).get::<Value>("/healthz");
    assert!(known.is_ok(), "{known:?}");
    secured.stage.local().get::<Value>("/healthz").unwrap();
    // The others have parts of their own, and so has this one.
    let port = secured.stage.port();
    let plain: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(port).unwrap()).collect();
    let socket = secured.stage.socket();
    let local: Vec<UnixStream> = (0..8)
        .map(|_| UnixStream::connect(&socket).unwrap())
        .collect();
    secured.client(None, None).get::<Value>("/healthz").unwrap();
    secured.stage.local().get::<Value>("/healthz").unwrap();
    assert_eq!(secured.stage.status("GET", "/healthz", None, ""), 200);
    drop((silent, plain, local));
}

#[test]
fn each_side_is_told_when_the_other_speaks_in_the_clear() {
    let secured = Secured::start(Limits::default(), None, None);
    let mut stream = TcpStream::connect(secured.stage.secure_port()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    send(
        &mut stream,
        "POST",
        "/v1/decisions",
        "",
        &"x".repeat(1 << 20),
    );
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 400 ") && reply.contains("https://"),
        "{reply}"
    );
    let mut stranger = TcpStream::connect(secured.stage.secure_port()).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    stranger.write_all(b"\x05\x01\x00").unwrap();
    stranger.shutdown(std::net::Shutdown::Write).unwrap();
    let _ = stranger.read_to_end(&mut Vec::new());
    let address = format!("https://localhost:{}", secured.stage.port().port());
    let client = Client::new(secured.connector(None), address.parse().unwrap());
    assert_eq!(mistrust(&client), "it speaks no TLS there");
}

#[test]
fn a_service_is_known_by_its_authority_and_its_name() {
    let secured = Secured::start(Limits::default(), None, None);
    let by_number = format!("https://127.0.0.1:{}", secured.stage.secure_port().port());
    let client = Client::new(secured.connector(None), by_number.parse().unwrap());
    assert!(mistrust(&client).contains("not for `127.0.0.1`"));
    fs::write(secured.file("ca.pem"), Authority::new("else").pem).unwrap();
    let said = mistrust(&secured.client(None, None));
    assert_eq!(
        said,
        "its certificate is signed by no authority that is trusted here"
    );
    assert!(
        secured
            .connector(None)
            .connect(&secured.address(), PATIENCE)
            .is_err()
    );
}

#[test]
fn no_connection_is_resumed() {
    let secured = Secured::start(Limits::default(), Some(Demand::Required), None);
    let shown = secured.authority.client(&[uri("spiffe://acme/bot")]);
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(secured.authority.pem.as_bytes());
    roots.add(authority.unwrap()).unwrap();
    let chain = vec![CertificateDer::from(shown.der)];
    let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).unwrap();
    for version in [&TLS12, &TLS13] {
        let provider = Arc::new(ring::default_provider());
        let settings = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .unwrap();
        // This client would resume what it can.
        let settings = Arc::new(settings);
        for _ in 0..2 {
            let stream = TcpStream::connect(secured.stage.secure_port()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let name = "localhost".try_into().unwrap();
            let connection = ClientConnection::new(Arc::clone(&settings), name).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            send(&mut stream, "GET", "/healthz", "Connection: close\r\n", "");
            stream.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(stream.conn.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}
