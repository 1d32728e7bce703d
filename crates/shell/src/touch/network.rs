//! Programs that fetch and send.

use aegis_types::{Access, Word, WordPart};

use super::{Touched, read, word_at};
use crate::locate::beneath;
use crate::option::{Arguments, first_text, shown_text, without_start};
use crate::programs::Reading;

/// Adds the files that such a program is given.
pub(super) fn touched(name: &str, arguments: &[Word], list: &mut Vec<Touched>) {
    match name {
        "curl" => curl(arguments, list),
        "socat" => socat(arguments, list),
        "wget" => wget(arguments, list),
        _ => openssl(arguments, list),
    }
}

/// The long options of curl that take a value.
const CURL_VALUES: &[&str] = &[
    "alt-svc",
    "cacert",
    "capath",
    "cert",
    "crlfile",
    "engine",
    "expand-config",
    "expand-data",
    "expand-data-binary",
    "expand-form",
    "expand-header",
    "expand-json",
    "expand-output",
    "expand-proxy",
    "expand-upload-file",
    "expand-url",
    "expand-url-query",
    "proxy-cacert",
    "proxy-cert",
    "proxy-crlfile",
    "proxy-header",
    "proxy-key",
    "pubkey",
    "unix-socket",
    "url-query",
    "variable",
    "config",
    "connect-timeout",
    "cookie",
    "cookie-jar",
    "data",
    "data-ascii",
    "data-binary",
    "data-raw",
    "data-urlencode",
    "dump-header",
    "etag-compare",
    "etag-save",
    "form",
    "header",
    "hsts",
    "json",
    "key",
    "libcurl",
    "max-time",
    "netrc-file",
    "output",
    "output-dir",
    "proxy",
    "range",
    "referer",
    "request",
    "resolve",
    "retry",
    "stderr",
    "trace",
    "trace-ascii",
    "upload-file",
    "url",
    "user",
    "user-agent",
    "write-out",
];

/// The options of curl whose value is a file that is written.
const CURL_WRITTEN: &[&str] = &[
    "c",
    "cookie-jar",
    "D",
    "dump-header",
    "trace",
    "trace-ascii",
    "stderr",
    "etag-save",
    "libcurl",
    "hsts",
    "alt-svc",
    "expand-output",
    "ssl-sessions",
];

/// The options of curl whose value is a file that is read.
const CURL_READ: &[&str] = &[
    "T",
    "upload-file",
    "K",
    "config",
    "E",
    "cert",
    "key",
    "cacert",
    "netrc-file",
    "crlfile",
    "expand-config",
    "expand-upload-file",
    "proxy-cacert",
    "proxy-cert",
    "proxy-crlfile",
    "proxy-key",
    "pubkey",
];

/// The options of curl whose value may name a file that is sent.
const CURL_SENT: &[&str] = &[
    "d",
    "data",
    "data-ascii",
    "data-binary",
    "data-urlencode",
    "json",
    "F",
    "form",
    "H",
    "header",
    "proxy-header",
    "url-query",
    "expand-data",
    "expand-data-binary",
    "expand-form",
    "expand-header",
    "expand-json",
    "expand-url-query",
];

fn curl(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "oTKFdbcDEuHXAemxrwyYzPQCUht", CURL_VALUES);
    let folder = read.values(&["output-dir"]).last();
    let placed = |word: &Word| folder.map_or_else(|| word.clone(), |folder| beneath(folder, word));
    for word in read.values(&["o", "output"]).filter(|word| !is_dash(word)) {
        list.push(Touched::new(&placed(word), Access::WRITE));
    }
    for (options, access) in [(CURL_WRITTEN, Access::WRITE), (CURL_READ, Access::READ)] {
        let named = read.values(options).filter(|word| !is_dash(word));
        list.extend(named.map(|word| Touched::new(word, access)));
    }
    list.extend(read.values(CURL_SENT).filter_map(sent_file));
    let sockets = read.values(&["unix-socket"]);
    list.extend(sockets.map(|word| Touched::new(word, Access::READ.or(Access::WRITE))));
    // A variable may be what a file holds: `name@file`.
    for word in read.values(&["variable"]) {
        if let Some((name, _)) = first_text(word)
            .split_once('@')
            .filter(|(name, _)| !name.contains('='))
        {
            list.push(Touched::new(
                &without_start(word, name.len() + 1),
                Access::READ,
            ));
        }
    }
    // What is told of a transfer may be laid out by a file.
    let shapes = read.values(&["w", "write-out"]);
    let shapes = shapes.filter(|word| first_text(word).starts_with('@'));
    list.extend(shapes.map(|word| Touched::new(&without_start(word, 1), Access::READ)));
    let shapes = read.values(&["w", "write-out"]);
    list.extend(
        shapes
            .flat_map(laid_out)
            .map(|file| Touched::new(&file, Access::WRITE)),
    );
    list.extend(
        read.values(&["b", "cookie"])
            .filter(|word| !first_text(word).contains('='))
            .map(|word| Touched::new(word, Access::READ).possible()),
    );
    if read.has(&["O", "remote-name", "remote-name-all"]) {
        let names = remote_names(&read);
        list.extend(names.map(|name| Touched::new(&placed(&name), Access::WRITE)));
    }
    let is_local = |word: &&&Word| first_text(word).starts_with("file:");
    for word in read.operands.iter().filter(is_local) {
        list.push(Touched::new(&local_path(word), Access::READ));
    }
}

/// Returns the files into which curl writes what it tells: `%output{file}`.
fn laid_out(word: &Word) -> Vec<Word> {
    let text = shown_text(word);
    let parts = text.split("%output{").skip(1);
    let files = parts.filter_map(|part| part.split_once('}'));
    files
        .map(|(file, _)| word_at(word, file.trim_start_matches('>')))
        .collect()
}

/// Returns the path of a `file:` address.
pub(super) fn local_path(word: &Word) -> Word {
    let text = first_text(word);
    let path = text.trim_start_matches("file:");
    let slashes = path.len() - path.trim_start_matches('/').len();
    without_start(word, text.len() - path.len() + slashes.saturating_sub(1))
}

/// Returns the file whose content is sent: `@file`, `name=@file`, `name=<file`.
pub(crate) fn sent_file(word: &Word) -> Option<Touched> {
    let text = first_text(word);
    let address = ["file://", "fileb://"];
    let address = address.iter().find(|start| text.starts_with(**start));
    let start = if let Some(scheme) = address {
        scheme.len()
    } else if text.starts_with('@') {
        1
    } else {
        let found = ["=@", "=<"].iter().find_map(|sign| text.find(sign));
        found
            .map(|position| position + 2)
            .or_else(|| text.find('@').map(|position| position + 1))?
    };
    let mut file = without_start(word, start);
    if let Some(WordPart::Literal(text)) = file.parts.first_mut()
        && let Some(end) = text.find(';')
    {
        text.truncate(end);
    }
    let is_sure =
        address.is_some() || text.starts_with('@') || text.contains("=@") || text.contains("=<");
    let touched = Touched::new(&file, Access::READ);
    Some(if is_sure { touched } else { touched.possible() })
}

/// The long options of wget that take a value.
const WGET_VALUES: &[&str] = &[
    "output-document",
    "directory-prefix",
    "output-file",
    "append-output",
    "input-file",
    "post-file",
    "body-file",
    "load-cookies",
    "save-cookies",
    "user-agent",
    "header",
    "tries",
    "timeout",
    "config",
    "execute",
    "ca-certificate",
    "certificate",
    "private-key",
    "level",
    "use-askpass",
    "warc-file",
    "rejected-log",
    "hsts-file",
    "warc-tempdir",
    "warc-dedup",
    "crl-file",
    "post-data",
    "body-data",
    "method",
    "wait",
    "quota",
    "input-metalink",
    "bind-address",
    "dns-servers",
    "connect-timeout",
    "dns-timeout",
    "read-timeout",
    "cut-dirs",
    "max-redirect",
    "accept-regex",
    "reject-regex",
    "regex-type",
];

/// The options of wget whose value is a file that is written.
const WGET_WRITTEN: &[&str] = &[
    "O",
    "output-document",
    "o",
    "output-file",
    "a",
    "append-output",
    "save-cookies",
    "warc-file",
    "rejected-log",
    "hsts-file",
    "warc-tempdir",
];

/// The options of wget whose value is a file that is read.
const WGET_READ: &[&str] = &[
    "i",
    "input-file",
    "post-file",
    "body-file",
    "load-cookies",
    "config",
    "warc-dedup",
    "crl-file",
];

fn wget(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "OPoaiUtTwQleBADIXR", WGET_VALUES);
    list.extend(
        read.values(WGET_WRITTEN)
            .filter(|word| !is_dash(word))
            .map(|word| Touched::new(word, Access::WRITE)),
    );
    list.extend(
        read.values(WGET_READ)
            .map(|word| Touched::new(word, Access::READ)),
    );
    let set: Vec<(Word, Access)> = read
        .values(&["e", "execute"])
        .filter_map(set_by_command)
        .collect();
    let is_named = set.iter().any(|(_, access)| access.write);
    list.extend(set.iter().map(|(word, access)| Touched::new(word, *access)));
    let folder = read.values(&["P", "directory-prefix"]).last();
    if let Some(folder) = folder {
        list.push(Touched::new(folder, Access::WRITE));
        list.push(Touched::new(folder, Access::WRITE).possible().beneath(true));
    }
    if read.has(&["O", "output-document"]) {
        return;
    }
    let named = remote_names(&read).filter(|_| !is_named);
    for name in named {
        let name = folder.map_or_else(|| name.clone(), |folder| beneath(folder, &name));
        list.push(Touched::new(&name, Access::WRITE));
    }
    list.extend(mirrored(arguments, &read));
    if read.has(&["r", "recursive", "m", "mirror"])
        && folder.is_none()
        && let Some(first) = read.operands.first()
    {
        let here = word_at(first, ".");
        list.push(Touched::new(&here, Access::WRITE).possible().beneath(true));
    }
}

/// Returns the file that a command of wget names: `output_document=file`.
fn set_by_command(word: &Word) -> Option<(Word, Access)> {
    let text = first_text(word);
    let (name, value) = text.split_once('=')?;
    let plain: String = name
        .chars()
        .filter(|sign| sign.is_ascii_alphabetic())
        .collect();
    let access = match plain.to_ascii_lowercase().as_str() {
        "outputdocument" | "logfile" | "outputfile" | "savecookies" | "dirprefix" | "warcfile"
        | "rejectedlog" | "hstsfile" => Access::WRITE,
        "input" | "loadcookies" | "postfile" | "bodyfile" => Access::READ,
        _ => return None,
    };
    let blanks = value.len() - value.trim_start().len();
    Some((without_start(word, name.len() + 1 + blanks), access))
}

/// Returns what is written in the folders that the addresses name.
fn mirrored(arguments: &[Word], read: &Arguments<'_>) -> Vec<Touched> {
    let follows = read.has(&["r", "recursive", "m", "mirror"]);
    let makes_folders = read.has(&["x", "force-directories"]) || follows;
    if !makes_folders || read.has(&["no-directories"]) {
        return Vec::new();
    }
    let leaves_host = arguments.iter().any(|word| {
        let text = first_text(word);
        text == "--no-host-directories" || text.starts_with('-') && text.contains("nH")
    });
    let cut = read.values(&["cut-dirs"]).last().and_then(Word::literal);
    let cut: usize = cut.and_then(|text| text.parse().ok()).unwrap_or(0);
    let folder = read.values(&["P", "directory-prefix"]).last();
    let place = |word: &&Word| {
        let address = first_text(word);
        let address = address.split_once("://").map_or(address, |(_, rest)| rest);
        let mut steps = address.split('/').filter(|step| !step.is_empty());
        let host = steps.next().filter(|_| !leaves_host);
        let path: Vec<&str> = host.into_iter().chain(steps.skip(cut)).collect();
        let name = word_at(word, &path.join("/"));
        let name = folder.map_or_else(|| name.clone(), |folder| beneath(folder, &name));
        Touched::new(&name, Access::WRITE)
            .possible()
            .beneath(follows)
    };
    let is_named = |word: &&&Word| first_text(word).contains('/');
    read.operands.iter().filter(is_named).map(place).collect()
}

/// Adds the files that a program downloads into the folder that an option names.
pub(super) fn placed(name: &str, reading: &Reading<'_>, list: &mut Vec<Touched>) {
    let Some((_, folder, file)) = PLACING.iter().find(|(it, _, _)| *it == name) else {
        return;
    };
    let Some(folder) = reading.values(folder).last() else {
        return;
    };
    let named: Vec<Word> = reading.values(file).cloned().collect();
    let own = reading.operands.iter();
    let own = own.filter_map(|word| super::transfer::last_component(word));
    let names = match named.is_empty() {
        true => own.collect(),
        false => named,
    };
    let places = names.iter().map(|name| beneath(folder, name));
    list.extend(places.map(|place| Touched::new(&place, Access::WRITE).possible()));
}

/// Programs that download, their option for a folder and that for a name in it.
const PLACING: [(&str, &str, &str); 3] = [
    ("aria2c", "-d", "-o"),
    ("yt-dlp", "-P", "-o"),
    ("youtube-dl", "-P", "-o"),
];

/// Returns the names that files get from their addresses.
fn remote_names<'a>(read: &'a Arguments<'_>) -> impl Iterator<Item = Word> + 'a {
    read.operands.iter().map(|word| {
        super::transfer::last_component(word).unwrap_or_else(|| Word {
            span: word.span,
            parts: vec![WordPart::Unknown(aegis_types::UnknownCause::Output)],
            ..Word::default()
        })
    })
}

fn openssl(arguments: &[Word], list: &mut Vec<Touched>) {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let access = match word.literal().as_deref() {
            Some("-out" | "-keyout" | "-writerand" | "-CAserial") => Access::WRITE,
            Some(
                "-in" | "-inkey" | "-key" | "-cert" | "-CAfile" | "-CA" | "-CAkey" | "-config"
                | "-kfile" | "-certfile" | "-extfile" | "-signature" | "-verify" | "-sign",
            ) => Access::READ,
            _ => continue,
        };
        list.extend(words.next().map(|word| Touched::new(word, access)));
    }
}

/// Kinds of addresses of socat that open a file.
const SOCAT_FILES: [&str; 9] = [
    "OPEN", "FILE", "CREATE", "CREAT", "GOPEN", "PIPE", "FIFO", "ECHO", "PTY",
];

fn socat(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "btTrRLWl", &[]);
    list.extend(
        read.values(&["r", "R", "L", "W"])
            .map(|word| Touched::new(word, Access::WRITE)),
    );
    let mut words = arguments.iter();
    if words.any(|word| first_text(word) == "-lf")
        && let Some(file) = words.next()
    {
        list.push(Touched::new(file, Access::WRITE));
    }
    for word in arguments {
        let text = first_text(word);
        // Two addresses, one for each way.
        let halves = text.split("!!").scan(0, |at, half| {
            let start = *at;
            *at += half.len() + 2;
            Some((start, half))
        });
        for (start, half) in halves {
            let kind = half.split(':').next().unwrap_or_default();
            let is_file = SOCAT_FILES.contains(&kind.to_ascii_uppercase().as_str());
            if !is_file || kind.len() == half.len() {
                continue;
            }
            let mut file = without_start(word, start + kind.len() + 1);
            if let Some(WordPart::Literal(text)) = file.parts.first_mut()
                && let Some(end) = text.find([',', '!'])
            {
                text.truncate(end);
                file.parts.truncate(1);
            }
            list.push(Touched::new(&file, Access::READ.or(Access::WRITE)));
        }
    }
}

fn is_dash(word: &Word) -> bool {
    word.literal().as_deref() == Some("-")
}
