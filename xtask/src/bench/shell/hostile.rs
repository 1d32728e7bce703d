//! Texts of 64 KiB that are meant to be expensive.

/// How long a text is, in bytes.
const BYTES: usize = 64 * 1024;

/// Pieces that are repeated until the text is full.
const PIECES: &[&str] = &[
    "$(",
    "`",
    "(",
    "{ ",
    "\"$(",
    "${x:-",
    "$((",
    "((",
    "<(",
    "if ",
    "f() { ",
    "\"${x:-",
    "$[",
    "a=(",
    "'",
    "\"",
    "\\",
    "<<a ",
    "<<a\n",
    "<<-'b'\n\t",
    "{",
    "{a,",
    "{a,b}",
    "{1..9}",
    "[",
    "*",
    "~",
    "$",
    "${",
    "$x",
    "((a",
    "$((1))",
    "#",
    "\\\n",
    "x=$x$x;",
    "case x in ",
    "x+=y;",
    "f(){ f; };",
    "if a; then x=1; fi;",
    "while a; do b; done;",
    "alias a=b;",
    "read x;",
    "! ",
    "a>b ",
    "2>&1 ",
    "@(",
    "a[$",
    "'\n",
    "\"\\\"",
    "${x/",
    "`\\`",
    "eval ",
    "sh -c ",
    "$'\\",
    "{x,{",
    "a;",
    "a|",
    "a&&",
    "a ",
    "$(a) ",
    "cd a;",
    "cd $x||",
    "pushd a;",
    "pushd a;pushd b;popd;",
    "pushd /tmp;cd x;",
    "f(){ pushd a; };f;",
    "*/",
    "?*",
    "[a-",
    "+(a|",
    "rm -rf /tmp/*/;",
    "cat <(a) ",
    "sudo ",
    "env -S ",
    "xargs ",
    "find . -exec ",
    "bash <<<",
    "~/a ",
    "../",
    "/../",
    "git -c a=b ",
    "tar -xf a ",
    "python3 -c a;",
    "for a in b c; do ",
    "${a[$b]}",
    "${!a}",
    "${a//b/c}",
    "trap x EXIT;",
    ". a;",
    "exec 3<a;",
    "set -- $@ a;",
    "set -- \"$@\" a;",
    "env -i a=b c;",
    "x=${x}a;",
    "a=($a $a);",
    "declare -n a=b;",
    "printf -v x %s $x$x;",
    "curl http://a/ | sh;",
    "echo a > b; sh b;",
    "awk '{system(\"a\")}' ",
    "chmod +x a; ./a;",
    "base64 -d <<< YQ== | sh;",
];

/// Texts of a beginning, pieces between and an end.
const WRAPPED: &[(&str, &str, &str, &str)] = &[
    ("one long word", "", "a", ""),
    ("one long quoted word", "rm '", "a", "'"),
    ("words", "", "rm a ", ""),
    ("a long list of options", "rm ", "-rf ", ""),
    ("braces that multiply", "rm ", "{a,b}", ""),
    ("ranges that multiply", "rm ", "{1..99}", ""),
    ("patterns in a path", "rm /", "*/", ""),
    ("paths up", "rm ", "../", ""),
    ("empty quotes", "eval ", "''", ""),
    (
        "a here-document to a shell",
        "bash <<'E'\n",
        "rm a;\n",
        "\nE\n",
    ),
    ("here-documents at once", "cat ", "<<E ", "\n"),
    ("text to sh", "sh -c '", "rm a; ", "'"),
    (
        "an array that is used often",
        "a=(b c d e f g h); ",
        "rm ${a[@]};",
        "",
    ),
    ("cases with patterns", "case a in ", "*a*b*) c;; ", " esac"),
    ("a long path in code", "python3 -c 'open(\"", "a/", "\")'"),
    ("code with many strings", "python3 -c '", "\"a/b\",", "'"),
    ("code with open strings", "python3 -c '", "\"\\", "'"),
    ("hosts", "curl ", "http://a.example/ ", ""),
    ("redirections", "a ", ">b ", ""),
    (
        "files that are written and run",
        "",
        "echo rm a > b; sh b; ",
        "",
    ),
    ("values from files", "", "x=$(cat b); echo $x > b; ", ""),
    (
        "base64 to a shell",
        "echo ",
        "cm0gYTsg",
        " | base64 -d | sh",
    ),
    (
        "escapes to a shell",
        "printf '",
        "\\162\\155\\40a;",
        "' | sh",
    ),
    ("functions that move", "f(){ pushd a; };", "f;", ""),
    ("a group with redirections", "{ a; } ", ">b ", ""),
    (
        "words that PowerShell hands on",
        "pwsh -c 'gci ",
        "a ",
        "| rm | rm | rm | rm | rm | rm | rm | rm | rm | rm | rm | rm | rm | rm | rm | rm'",
    ),
    ("find with many parts", "find . ", "-exec rm {} \\; ", ""),
    ("git with many settings", "git ", "-c a.b=c ", "status"),
];

/// Texts that use a value of half their size over and over.
const USES: &[(&str, &str)] = &[
    ("a long value", "$x "),
    ("replacements in a long value", "${x//a/b} "),
    ("prefixes of a long value", "${x##*b} "),
    ("suffixes of a long value", "${x%b*} "),
    ("slices of a long value", "${x:1} "),
    ("a long value in capitals", "${x^^} "),
    ("a long value to eval", "eval $x;"),
    ("a long value in an array", "y+=($x);"),
    ("a long value in a loop", "for y in $x; do z; done;"),
];

/// Returns the hostile texts with their names.
pub fn texts() -> Vec<(String, String)> {
    let repeated = PIECES.iter().map(|piece| {
        (
            format!("repeated {}", piece.escape_debug()),
            fill(piece, BYTES),
        )
    });
    let wrapped = WRAPPED.iter().map(|(name, head, piece, tail)| {
        let middle = fill(piece, BYTES - head.len() - tail.len());
        ((*name).to_owned(), format!("{head}{middle}{tail}"))
    });
    let uses = USES.iter().flat_map(|(name, piece)| {
        let half = BYTES / 2 - 8;
        [("", ""), (", in fields", "IFS=a; ")].map(|(kind, head)| {
            let text = format!("{head}x={}; {}", "a".repeat(half), fill(piece, half));
            (format!("{name}{kind}"), text)
        })
    });
    repeated
        .chain(wrapped)
        .chain(uses)
        .chain(doubling())
        .collect()
}

/// Returns a piece as often as it fits.
fn fill(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len())
}

/// Returns texts in which each part doubles what the part before came to.
fn doubling() -> Vec<(String, String)> {
    let parts = |count: usize, part: fn(usize) -> String| (0..count).map(part).collect::<String>();
    let aliases = parts(1_500, |n| format!("alias a{n}='a{} a{}'; ", n + 1, n + 1));
    let lines = parts(1_500, |n| format!("alias a{n}='a{} a{}'\n", n + 1, n + 1));
    let functions = parts(1_500, |n| format!("f{n}() {{ f{}; f{}; }}; ", n + 1, n + 1));
    let variables = parts(2_000, |n| format!("v{}=$v{n}$v{n}; ", n + 1));
    let loops = "for a in 1 2 3 4 5 6 7 8; do ".repeat(1_000);
    let ends = "done; ".repeat(1_000);
    [
        (
            "aliases that double",
            format!("shopt -s expand_aliases; {aliases}a0"),
        ),
        (
            "aliases on lines that double",
            format!("shopt -s expand_aliases\n{lines}a0"),
        ),
        ("functions that double", format!("{functions}f0")),
        (
            "variables that double",
            format!("v0=xxxxxxxx; {variables}rm $v1000"),
        ),
        ("loops in loops", format!("{loops}x; {ends}")),
        ("shells in shells", nested_shells()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into()
}

/// Returns shells in shells, each quoted by backslashes for the next.
fn nested_shells() -> String {
    let mut text = "rm a".to_owned();
    loop {
        let next = format!("sh -c '{}'", text.replace('\'', "'\\''"));
        if next.len() > BYTES {
            return text;
        }
        text = next;
    }
}
