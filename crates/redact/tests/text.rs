//! Which secrets are found in text, and what is left alone.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

use std::borrow::Cow;

use aegis_canon::{Key, KeyedDigest};
use aegis_redact::{Redactor, SecretKind, contains_redaction};

fn key() -> Key {
    Key::new(b"a key of the tests").unwrap()
}

/// Random characters; the tokens of the tests are put together from them, so
/// that no scanner takes this file for a leak.
const RANDOM: &str = "4Rk9TzQ2mVx7LbN8wYc3HsJ6pGd5FuA1eXoZiKvWqBnMtCyDhSgPjUfErLa0kTzm";
const HEX: &str = "9f3c7a1e5b8d2064c7e9a1b3d5f70826491f3c7a1e5b8d2064c7e9a1b3d5f708";
const UPPER: &str = "Q4ZJ7XK2MV9TB5RN8WCY3HLD6PGF1SAEQ4ZJ7XK2MV9TB5RN8WCY3HLD6PGF1S";

fn random(length: usize) -> String {
    RANDOM.repeat(4)[..length].to_owned()
}

fn marker(kind: SecretKind, secret: &str) -> String {
    let digest = KeyedDigest::of(&key(), secret.as_bytes()).to_string();
    format!("[redacted:{kind}:{}]", &digest[..16])
}

/// Checks that in `template` exactly what stands for `{}` is redacted.
fn check(kind: SecretKind, template: &str, secret: &str) {
    let text = template.replace("{}", secret);
    let redacted = Redactor::new(key()).redact_text(&text);
    let expected = template.replace("{}", &marker(kind, secret));
    assert_eq!(redacted.value, expected, "{text}");
    assert!(redacted.kinds.contains(&kind));
    assert!(contains_redaction(&redacted.value));
}

fn check_unchanged(text: &str) {
    let redacted = Redactor::new(key()).redact_text(text);
    assert_eq!(redacted.value, text);
    assert!(matches!(redacted.value, Cow::Borrowed(_)));
    assert_eq!((redacted.count, redacted.kinds.len()), (0, 0));
}

#[test]
fn tokens_are_known_by_their_shape() {
    use SecretKind::*;
    for (kind, prefix, body) in [
        (GithubToken, "ghp_", random(36)),
        (GithubToken, "ghs_", random(36)),
        (
            GithubToken,
            "github_pat_",
            format!("{}_{}", random(22), random(59)),
        ),
        (GitlabToken, "glpat-", random(20)),
        (AwsKey, "AKIA", UPPER[..16].to_owned()),
        (AwsKey, "ASIA", UPPER[..16].to_owned()),
        (GcpKey, "AIza", random(35)),
        (SlackToken, "xoxb-", format!("123456789012-{}", random(24))),
        (SlackToken, "xoxe.xoxp-", format!("1-{}", random(100))),
        (StripeKey, "sk_live_", random(24)),
        (StripeKey, "whsec_", random(32)),
        (OpenAiKey, "sk-", random(48)),
        (OpenAiKey, "sk-proj-", random(48)),
        (AnthropicKey, "sk-ant-api03-", random(95)),
        (NpmToken, "npm_", random(36)),
        (PypiToken, "pypi-AgE", random(160)),
        (SendgridKey, "SG.", format!("{}.{}", random(22), random(43))),
        (TwilioKey, "SK", HEX[..32].to_owned()),
        (SquareToken, "sq0csp-", random(43)),
        (MailgunKey, "key-", HEX[..32].to_owned()),
        (DropboxToken, "sl.", random(130)),
        (ShopifyToken, "shpat_", HEX[..32].to_owned()),
        (HerokuKey, "HRKU-", random(60)),
        (DigitalOceanToken, "dop_v1_", HEX[..64].to_owned()),
        (VaultToken, "hvs.", random(95)),
        (AgeKey, "AGE-SECRET-KEY-1", UPPER[..58].to_owned()),
        (
            DiscordToken,
            "M",
            format!("{}.{}.{}", random(24), "G1x2Y3", random(38)),
        ),
        (TelegramToken, "1102015431:A", random(34)),
        (MailchimpKey, &HEX[..32], "-us17".to_owned()),
        (ServiceToken, "hf_", random(34)),
        (ServiceToken, "dapi", HEX[..32].to_owned()),
        (
            Jwt,
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.",
            random(43),
        ),
        (
            AzureClientSecret,
            "a_b7Q~",
            format!("{}.{}~{}", random(9), random(9), random(12)),
        ),
    ] {
        let token = format!("{prefix}{body}");
        for template in [
            "{}",
            "before {} after",
            "('{}')",
            "{},{}",
            "line\\n{}\\n",
            "https://host/path?q={}&x=1",
        ] {
            check(kind, template, &token);
        }
    }
}

#[test]
fn what_only_resembles_a_token_is_left_alone() {
    for text in [
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{}", &RANDOM[..12]),
        format!("AKIA{}", "X".repeat(16)),
        format!("AKIA{}", &UPPER[..20]),
        format!("xAKIA{}", &UPPER[..16]),
        format!("mask-{}", &RANDOM[..40]),
        format!("vipul-{}.png", &HEX[..40]),
        format!("HASK{}", &HEX[..32]),
        "sk-learn-something-rather-long-name-here".to_owned(),
        "npm_config_registry_is_a_variable_with_a_long_name".to_owned(),
        "hf_requiredCharacteristicTypesForDisplayMetadata".to_owned(),
        "&hf_servingcellpriorityparametersdescription_h_prio".to_owned(),
        "eyJAAAA.eyJBBB".to_owned(),
        format!("commit {}", &HEX[..40]),
        format!("sha256:{}", &HEX[..64]),
        "trace 4bf92f35-77b3-4da6-a3ce-929d0e0e4736".to_owned(),
        format!("data:image/png;base64,iVBORw0KGgo{RANDOM}{RANDOM}=="),
        "s.makeKubeConfigController = args".to_owned(),
        "arn:aws:sns:aaa:111122223333:aaaaaaaaaaaaaaaaaaassssssddddddddddddd".to_owned(),
        "~/.config and a~b".to_owned(),
    ] {
        check_unchanged(&text);
    }
}

#[test]
fn private_keys_go_as_whole_blocks() {
    let line = random(64);
    for label in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
        for newline in ["\n", "\r\n", "\\n"] {
            let secret = format!(
                "-----BEGIN {label}PRIVATE KEY-----{newline}{line}{newline}{line}=={newline}-----END {label}PRIVATE KEY-----"
            );
            check(SecretKind::PrivateKey, "cat id: {}\nnext", &secret);
        }
    }
    let pgp = format!(
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{line}\n=Ab1c\n-----END PGP PRIVATE KEY BLOCK-----"
    );
    check(SecretKind::PrivateKey, "{}", &pgp);
    let cut = format!("-----BEGIN PRIVATE KEY-----\n{line}\n{line}");
    check(SecretKind::PrivateKey, "head\n{}", &cut);
}

#[test]
fn public_keys_and_talk_of_private_keys_are_left_alone() {
    let line = random(64);
    check_unchanged(&format!(
        "-----BEGIN PUBLIC KEY-----\n{line}\n-----END PUBLIC KEY-----"
    ));
    check_unchanged("A PRIVATE KEY starts with -----BEGIN PRIVATE KEY-----.");
    check_unchanged("-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----");
    check_unchanged(
        "BEGIN THE PRIVATE KEY CEREMONY AT NOON, ALL OF YOU, AND BRING SOME MORE COFFEE",
    );
}

#[test]
fn authorization_headers_keep_their_scheme() {
    let secret = random(24);
    for template in [
        "Authorization: Bearer {}",
        "authorization: bearer {}",
        "curl -H 'Authorization: Bearer {}' https://api.test/v1",
        "curl -H \"Authorization: token {}\"",
        "Proxy-Authorization: Basic {}",
        "AUTHORIZATION: {}",
        "{\"Authorization\": \"Bearer {}\"}",
        "{\\\"Authorization\\\": \\\"Bearer {}\\\"}",
        "headers = {'Authorization': f'Bearer {}'}",
    ] {
        let secret = secret.as_str();
        check(SecretKind::Authorization, template, secret);
    }
    check_unchanged("Authorization: Bearer $TOKEN");
    check_unchanged("-H \"Authorization: Bearer ${API_KEY}\"");
    check_unchanged("Authorization: Bearer $(gcloud auth print-access-token)");
    check_unchanged("Authorization: Token **********");
    check_unchanged("Authorization: Bearer <your token>");
    check_unchanged("headers[\"Authorization\"] = \"Bearer \" + token");
    check_unchanged("pub authorization: Option<HeaderValue>,");
}

#[test]
fn urls_lose_their_passwords_only() {
    let url = SecretKind::UrlPassword;
    check(url, "postgres://app:{}@db.internal:5432/app", "hunter2");
    check(url, "https://u:{}@host/x?y=1#z", "p@ss:w0rd");
    check(url, "redis://:{}@cache:6379/0", "s3cret");
    check(url, "DATABASE_URL=mysql://root:{}@127.0.0.1/db", "tiger");
    check(url, "amqp://u:{}@mq/x", "ab/cd");
    check(url, "git clone https://{}@git.test/x.git", &random(40));
    let hook = format!("T{}/B{}/{}", &UPPER[..8], &UPPER[..8], random(24));
    check(
        SecretKind::Webhook,
        "https://hooks.slack.com/services/{}",
        &hook,
    );
    for text in [
        "https://user@host/path",
        "http://localhost:5000/@user/x",
        "https://user:$PASSWORD@host",
        "https://user:${PASSWORD}@host",
        "https://user:<password>@host",
        "https://user:***@host",
        "https://url:8000 @something else",
        "ssh://git@github.test:22/x.git",
        "see http://[::1]:80/a@b",
    ] {
        check_unchanged(text);
    }
}

#[test]
fn named_values_go_in_every_spelling() {
    let password = "Tr0ub4dor&3x";
    for template in [
        "password={}\n",
        "PASSWORD=\"{}\"",
        "export DB_PASSWORD='{}'",
        "docker run -e MYSQL_ROOT_PASSWORD={} mysql",
        "passwd: {}\n",
        "db:\n  password: {}\n  host: x",
        "{\"password\": \"{}\"}",
        "{'dbPassword': '{}'}",
        "{\\\"user_password\\\":\\\"{}\\\"}",
        "password => '{}',",
        "pwd := \"{}\"",
        "Password = \"{}\";",
        "db_pass = \"{}\"",
        "[db]\npassword = {}\n",
        "config[\"password\"] = \"{}\"",
        "mysql --password={} db",
        "mysql --password {} db",
        "mysql --password '{}' db",
        "connect(user=\"a\", password=\"{}\")",
    ] {
        // What a shell would end a bare word at ends it here as well.
        let is_bare = template.contains("={}") || template.contains("password {}");
        let secret = if is_bare { "Tr0ub4dor-3x" } else { password };
        check(SecretKind::Password, template, secret);
    }
}

#[test]
fn values_go_to_their_true_end() {
    let password = SecretKind::Password;
    check(password, "password: '{}'\nuser: x", "it''s 1");
    check(password, "PASSWORD={}\nUSER=x", "p@ss,w0rd)x");
    check(password, "export PASSWORD={}; make", "p@ss,w0rd)x");
    check(
        password,
        "passphrase: {}\nuser: x",
        "correct horse battery staple",
    );
    check(password, "PASSWORD = \"\"\"{}\"\"\"", "hunter2");
    check(password, "password: |\n  {}\nuser: x", "hunter2");
    check(password, "password: >-\n  {}\nuser: x", "hunter2");
    check(password, "openssl enc -pass pass:{} -in x", "hunter2");
    check(password, "password=\"{}\" x", "a\\\"b1");
    check_unchanged("password=\nuser=bob");
    check_unchanged("let pass: u8 = 1;");
}

#[test]
fn keys_of_all_kinds_are_known_in_all_cases() {
    let secret = random(24);
    for name in [
        "client_secret",
        "clientSecret",
        "Client-Secret",
        "CLIENT_SECRET",
        "api_key",
        "apikey",
        "API-KEY",
        "x-api-key",
        "X_API_KEY",
        "access_token",
        "accessToken",
        "auth_token",
        "_authToken",
        "private_key",
        "secretKey",
        "AWS_SECRET_ACCESS_KEY",
        "AccountKey",
        "SharedAccessKey",
        "SECRET_KEY_BASE",
        "app.datasource.secret",
        "token",
        "SLACK_BOT_TOKEN",
    ] {
        for template in [
            "KEY={}",
            "KEY: {}\n",
            "\"KEY\": \"{}\"",
            "--KEY {} --x",
            "KEY = '{}'",
        ] {
            let text = template.replace("KEY", name).replace("{}", &secret);
            let redacted = Redactor::new(key()).redact_text(&text);
            assert!(
                !redacted.value.contains(&secret),
                "{text} => {}",
                redacted.value
            );
            assert!(
                redacted.value.contains(name),
                "{text} => {}",
                redacted.value
            );
        }
    }
}

#[test]
fn names_may_stand_apart_from_their_values() {
    let password = SecretKind::Password;
    check(
        password,
        "- name: DB_PASSWORD\n  value: {}\n- name: PORT\n  value: 80",
        "hunter2",
    );
    check(
        password,
        "- name: DB_PASSWORD\n  value: \"{}\"\n",
        "hunter2",
    );
    check(
        password,
        "{\"name\": \"DB_PASSWORD\", \"value\": \"{}\"}",
        "hunter2",
    );
    check(
        SecretKind::ApiKey,
        "<add key=\"ApiKey\" value=\"{}\"/>",
        &random(24),
    );
    check(password, "<password>{}</password>", "hunter2");
    check(
        SecretKind::Secret,
        "<ns:ClientSecret a=\"1\">{}</ns:ClientSecret>",
        &random(24),
    );
    check_unchanged("- name: PASSWORD_POLICY\n  value: strict1\n");
    check_unchanged("<password></password><b>hunter2</b>");
    check_unchanged("<passwordPolicy>strict1</passwordPolicy>");
    check_unchanged("let x: Vec<Secret>= y </ z");
}

#[test]
fn secrets_after_their_name_or_scheme_need_no_separator() {
    let secret = random(40);
    check(
        SecretKind::ApiKey,
        "aws configure set aws_secret_access_key {}",
        &secret,
    );
    check(SecretKind::Authorization, "sent Bearer {} to it", &secret);
    let password = SecretKind::Password;
    check(password, "machine x.test login me password {}\n", "hunter2");
    check(password, "ALTER USER app WITH PASSWORD '{}';", "hunter2");
    check(
        password,
        "CREATE USER 'a'@'%' IDENTIFIED BY '{}'",
        "hunter2",
    );
    check_unchanged("the bearer internationalisation-of-everything");
    check_unchanged("a secret well-known-configuration-name-v2 here");
    check_unchanged("to login type the password twice");
    check_unchanged("login with your password now");
}

#[test]
fn words_before_a_key_belong_to_it() {
    check(SecretKind::Secret, "Client Secret: {}\n", &random(24));
    check(SecretKind::ApiKey, "the API key = {}\n", &random(24));
}

#[test]
fn connection_strings_lose_their_secrets() {
    check(
        SecretKind::Password,
        "Server=tcp:db,1433;User ID=app;Password={};Encrypt=True;",
        "Sup3r-Secr3t",
    );
    let storage = format!("{}==", random(64));
    check(
        SecretKind::ApiKey,
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=core",
        &storage,
    );
    check(
        SecretKind::ConnectionString,
        "\"ConnectionString\": \"{}\"",
        "Server=a;Uid=b;Pwd=c0rrect",
    );
}

#[test]
fn doubtful_names_need_random_values() {
    let secret = random(40);
    check(SecretKind::Secret, "key = \"{}\"", &secret);
    check(SecretKind::Secret, "\"auth\": \"{}\"", &secret);
    for text in [
        "key = \"user:profile:settings\"".to_owned(),
        format!("cache_key: {}", &HEX[..40]),
        "key: 4bf92f35-77b3-4da6-a3ce-929d0e0e4736".to_owned(),
        "\"bucket_key\": \"SalesResults-1.2\"".to_owned(),
        format!("public_key = \"{secret}\""),
        "keyword: \"Befaehigung_P2\"".to_owned(),
    ] {
        check_unchanged(&text);
    }
}

#[test]
fn programs_give_their_flags_a_meaning() {
    let password = SecretKind::Password;
    check(password, "mysql -u root -p{} app", "hunter2");
    check(password, "mysqldump -h db -p'{}' app > out.sql", "hunter 2");
    check(password, "curl -u admin:{} https://x.test", "s3cret!");
    check(
        password,
        "curl -X POST \\\n  --user \"admin:{}\" x",
        "s3cret",
    );
    check(password, "curl -uadmin:{} https://x.test", "s3cret!");
    check(password, "curl --user=admin:{} https://x.test", "s3cret!");
    check(password, "curl -u admin:'{}' https://x.test", "s3 cret!");
    check(
        password,
        "curl -u \"admin\":\"{}\" https://x.test",
        "s3cret!",
    );
    check(password, "sshpass -p {} ssh host", "hunter2");
    check(
        password,
        "docker login -u me -p {} registry.test",
        "hunter2",
    );
    for text in [
        "mkdir -p src/deep/er",
        "mysql -u root -p app",
        "cp -pr a b; mysql -u root",
        "docker run -p 8080:80 nginx",
        "curl -u \"myusername\" http://x",
        "curl -sL --user \"$1:$2\" \"$3\"",
        "curl -u '$USERNAME:$PASSWORD' x",
        "ssh -p 2222 host",
        "sudo -u postgres:x ls",
        "tool --password-file /run/secrets/db",
        "tool --password PASSWORD  the password to use",
        "tool --token <token>",
        "tool --token $TOKEN",
        "tool --no-password --verbose",
    ] {
        check_unchanged(text);
    }
}

#[test]
fn placeholders_and_references_are_left_alone() {
    for value in [
        "<password>",
        "<your-password>",
        "${PASSWORD}",
        "$PASSWORD",
        "$(pass show db)",
        "{{ db.password }}",
        "${{ secrets.DB }}",
        "%DB_PASSWORD%",
        "changeme",
        "change_me",
        "ChangeMe123",
        "xxxx",
        "xxxxxxxx",
        "****",
        "...",
        "example",
        "your-api-key",
        "YOUR_KEY",
        "insert_key_here",
        "null",
        "None",
        "true",
        "REDACTED",
        "/run/secrets/password",
        "op://vault/item/field",
    ] {
        for template in [
            "password={}",
            "password: {}",
            "\"client_secret\": \"{}\"",
            "API_KEY='{}'",
        ] {
            check_unchanged(&template.replace("{}", value));
        }
    }
}

#[test]
fn repetition_alone_does_not_make_a_placeholder() {
    check(
        SecretKind::Password,
        "password=\"{}\"",
        "--------hunter2--and-more",
    );
    check_unchanged(&format!("client_secret=\"ab12{}\"", "x".repeat(30)));
}

#[test]
fn settings_about_secrets_are_left_alone() {
    for text in [
        "password_policy: strict",
        "password_min_length: 12",
        "PasswordAuthentication no",
        "secretName: my-secret",
        "secret_length = X25519.secret_length",
        "token_type: bearer",
        "max_tokens: 4096",
        "next_page_token = \"b2Zmc2V0OjEwMA1x9\"",
        "access_token_url='https://x.test/token'",
        "PWD=/home/me/project",
        "credentialsId: 'ff083f76-7804-4ef1-80e4-fe975bb9141b'",
        "passed=3 failed=0 PASS: test_one",
        "PuttyPassword=0",
        "the password is wrong: try again",
    ] {
        check_unchanged(text);
    }
}

#[test]
fn code_about_secrets_is_left_alone() {
    for text in [
        "password = get_password()",
        "password = os.environ[\"DB_PASSWORD\"]",
        "token = os.environ.get('TOKEN')",
        "let password = config.password;",
        "password: String,",
        "password: string;",
        "pub password: Option<String>,",
        "char *password = NULL;",
        "pwd: *mut passwd,",
        "api_key=self.api_key,",
        "connect(password=password)",
        "const token = await getToken(user)",
        "secret: process.env.CLIENT_SECRET,",
        "if password == other.password {",
        "password = input(\"Enter password: \")",
        "error: \"invalid password\"",
        "\"password\": \"Enter your password\"",
        "Token::RecursivePrefix",
        "password = hash",
        "DEVSTAT_MATCH_PASS = 0x04,",
    ] {
        check_unchanged(text);
    }
}

#[test]
fn equal_secrets_show_as_equal() {
    let redactor = Redactor::new(key());
    let one = redactor
        .redact_text("password=\"hunter2\"")
        .value
        .into_owned();
    let other = redactor
        .redact_text("\"password\": \"hunter2\"")
        .value
        .into_owned();
    let marker = marker(SecretKind::Password, "hunter2");
    assert!(one.contains(&marker) && other.contains(&marker));
    let elsewhere = Redactor::new(Key::new(b"another key of ours").unwrap());
    assert!(
        !elsewhere
            .redact_text("password=\"hunter2\"")
            .value
            .contains(&marker)
    );
}

#[test]
fn overlapping_secrets_become_one() {
    let token = format!("ghp_{}", random(36));
    check(SecretKind::GithubToken, "GITHUB_TOKEN={}", &token);
    let text = format!("password=\"x {token} y\"");
    let redacted = Redactor::new(key()).redact_text(&text);
    assert_eq!(redacted.count, 1);
    assert_eq!(
        redacted.kinds.into_iter().collect::<Vec<_>>(),
        [SecretKind::Password]
    );
}

#[test]
fn redactions_are_recognised() {
    assert!(contains_redaction(
        "a [redacted:password:0123456789abcdef] b"
    ));
    for text in [
        "",
        "redacted",
        "[redacted]",
        "[redacted:password]",
        "[redacted:password:0123456789abcde]",
        "[redacted:password:0123456789abcdeg]",
        "[redacted::0123456789abcdef]",
        "[redacted:password:0123456789ABCDEF]",
    ] {
        assert!(!contains_redaction(text), "{text}");
    }
}

#[test]
fn a_redaction_hides_nothing_beside_it() {
    let fake = "[redacted:password:0123456789abcdef]";
    let text = format!("password=\"{fake}hunter2x\"");
    let redacted = Redactor::new(key()).redact_text(&text);
    assert!(!redacted.value.contains("hunter2x"), "{}", redacted.value);
    assert!(redacted.value.contains(fake), "{}", redacted.value);
}

#[test]
fn hostile_text_costs_little() {
    let redactor = Redactor::new(key());
    for piece in [
        "ey",
        "-ey",
        "ey.",
        "eyJ",
        "password=\"",
        "PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----",
        "sk-ant-",
        "a://b:",
        ":",
        "=",
        " -p",
        "mysql -p",
        "\\\"",
        "ghp_",
        "~",
        "Q~",
        "[redacted:",
        "token='\\",
        "\u{1f600}=",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let start = std::time::Instant::now();
        redactor.redact_text(&text);
        assert!(start.elapsed().as_secs() < 5, "{piece}");
    }
}
