//! What names mean in the common languages.

use aegis_types::Access;

use super::Tongue;

/// What a name in code stands for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Meaning {
    /// Runs a command.
    Run,
    /// Runs text as code.
    Evaluate,
    /// Opens a file, for whatever its other arguments say.
    Open,
    /// Reads a file.
    Read,
    /// Writes a file.
    Write,
    /// Removes a file or a folder.
    Delete,
    /// All variables of the environment.
    Environment,
    /// Opens a connection, of which all that crosses it is the code's own.
    Connect,
    /// Asks a host for something, as over HTTP.
    Fetch,
    /// Waits for connections.
    Listen,
    /// Sends something along.
    Send,
    /// Binds a stream to a descriptor or a terminal.
    Bind,
    /// Takes the rights of another user.
    Rights,
    /// Starts copies of itself.
    Fork,
    /// Reaches by name for what may run a command.
    Indirect,
}

use Meaning::{
    Bind, Connect, Delete, Environment, Evaluate, Fetch, Fork, Indirect, Listen, Open, Read,
    Rights, Run, Send, Write,
};

/// Names that mean the same in every language that has them, in order.
const NAMES: &[(&str, Meaning)] = &[
    ("$_ENV", Environment),
    ("$_SERVER", Environment),
    ("Bun.$", Run),
    ("ENV", Environment),
    ("ENVIRON", Environment),
    ("Function", Evaluate),
    ("Popen", Run),
    ("HTTPConnection", Fetch),
    ("HTTPSConnection", Fetch),
    ("TCPServer", Listen),
    ("TCPSocket", Connect),
    ("UDPSocket", Connect),
    ("WebSocket", Connect),
    ("XMLHttpRequest", Fetch),
    ("__import__", Indirect),
    ("appendFile", Write),
    ("appendFileSync", Write),
    ("axios", Fetch),
    ("body", Send),
    ("call", Run),
    ("capture2", Run),
    ("capture2e", Run),
    ("capture3", Run),
    ("check_call", Run),
    ("check_output", Run),
    ("copyFile", Read),
    ("copyFileSync", Read),
    ("copyfile", Read),
    ("createConnection", Connect),
    ("doShellScript", Run),
    ("createReadStream", Read),
    ("createWriteStream", Write),
    ("createServer", Listen),
    ("create_connection", Connect),
    ("create_subprocess_exec", Run),
    ("create_subprocess_shell", Run),
    ("create_server", Listen),
    ("curl_exec", Fetch),
    ("curl_init", Fetch),
    ("dup2", Bind),
    ("environ", Environment),
    ("eval", Evaluate),
    ("execFile", Run),
    ("execFileSync", Run),
    ("execSync", Run),
    ("execl", Run),
    ("execle", Run),
    ("execlp", Run),
    ("execv", Run),
    ("execve", Run),
    ("execvp", Run),
    ("fdopen", Bind),
    ("fetch", Fetch),
    ("file_get_contents", Read),
    ("file_put_contents", Write),
    ("fileno", Bind),
    ("files", Send),
    ("fopen", Open),
    ("fork", Fork),
    ("fsockopen", Connect),
    ("getattr", Indirect),
    ("getoutput", Run),
    ("getstatusoutput", Run),
    ("highlight_file", Read),
    ("import_module", Indirect),
    ("instance_eval", Evaluate),
    ("listen", Listen),
    ("loadstring", Evaluate),
    ("openpty", Bind),
    ("parse_ini_file", Read),
    ("passthru", Run),
    ("pcntl_exec", Run),
    ("pfsockopen", Connect),
    ("popen", Run),
    ("popen2", Run),
    ("popen3", Run),
    ("posix_spawn", Run),
    ("post", Send),
    ("post_form", Send),
    ("proc_open", Run),
    ("put", Send),
    ("readFile", Read),
    ("readFileSync", Read),
    ("read_bytes", Read),
    ("read_text", Read),
    ("readfile", Read),
    ("readlines", Read),
    ("remove_dir", Delete),
    ("remove_entry", Delete),
    ("remove_entry_secure", Delete),
    ("remove_file", Delete),
    ("remove_tree", Delete),
    ("removeSync", Delete),
    ("removedirs", Delete),
    ("renameSync", Delete),
    ("renames", Delete),
    ("rmSync", Delete),
    ("rm_r", Delete),
    ("rm_rf", Delete),
    ("rmdir", Delete),
    ("rmdirSync", Delete),
    ("rmtree", Delete),
    ("send", Send),
    ("sendall", Send),
    ("sendmail", Send),
    ("setgid", Rights),
    ("setresuid", Rights),
    ("setuid", Rights),
    ("shell_exec", Run),
    ("show_source", Read),
    ("socket_connect", Connect),
    ("spawn", Run),
    ("spawnSync", Run),
    ("spawnlp", Run),
    ("spawnvp", Run),
    ("startfile", Run),
    ("storbinary", Send),
    ("storlines", Send),
    ("stream_context_create", Send),
    ("stream_socket_client", Connect),
    ("system", Run),
    ("truncateSync", Delete),
    ("unlink", Delete),
    ("unlinkSync", Delete),
    ("upload", Send),
    ("urlopen", Fetch),
    ("urlretrieve", Fetch),
    ("writeFile", Write),
    ("writeFileSync", Write),
    ("write_bytes", Write),
    ("write_text", Write),
];

/// Names that mean something only as a part of something else.
const OWNED: &[(&str, &[&str], Meaning)] = &[
    ("$", &["Bun"], Run),
    ("Command", &["Deno", "exec"], Run),
    ("delete", &["File", "FileUtils"], Delete),
    ("binding", &["process"], Indirect),
    ("command", &["Sys"], Run),
    ("env", &["process"], Environment),
    ("execute", &["os"], Run),
    ("file", &["Bun"], Read),
    ("home", &[], Open),
    ("lines", &["io"], Read),
    ("open", &["File", "IO", "io", "os", "Path"], Open),
    ("open", &["URI"], Fetch),
    ("read", &["File", "IO"], Read),
    ("remove", &["os", "fs", "File"], Delete),
    ("request", &["http", "https", "urllib"], Fetch),
    ("move", &["shutil", "FileUtils"], Delete),
    ("mv", &["FileUtils"], Delete),
    ("rename", &["os", "fs", "File", "promises"], Delete),
    ("replace", &["os"], Delete),
    ("rm", &["fs", "FileUtils", "promises"], Delete),
    ("safe_unlink", &["FileUtils"], Delete),
    ("truncate", &["os", "fs", "File", "promises"], Delete),
    ("run", &["subprocess", "sp", "Deno", "Bun"], Run),
    ("toObject", &["env"], Environment),
    ("write", &["File", "IO"], Write),
    ("writeTextFile", &["Deno"], Write),
    ("writeTextFileSync", &["Deno"], Write),
    ("readTextFile", &["Deno"], Read),
    ("readTextFileSync", &["Deno"], Read),
];

/// Modules, and classes, that say by their name what they are for.
const MODULES: &[(&str, Meaning)] = &[
    ("FTP", Fetch),
    ("HTTP", Fetch),
    ("INET", Connect),
    ("LWP", Fetch),
    ("Socket", Connect),
    ("URI", Fetch),
    ("aiohttp", Fetch),
    ("child_process", Indirect),
    ("dgram", Connect),
    ("ftplib", Fetch),
    ("http", Fetch),
    ("https", Fetch),
    ("httpx", Fetch),
    ("keyring", Environment),
    ("net", Connect),
    ("net/http", Fetch),
    ("open-uri", Fetch),
    ("paramiko", Connect),
    ("pty", Bind),
    ("requests", Fetch),
    ("smtplib", Send),
    ("socket", Connect),
    ("subprocess", Indirect),
    ("telnetlib", Connect),
    ("tls", Connect),
    ("urllib", Fetch),
];

/// What names say that remove something, and those that write.
const REMOVING: [&str; 7] = [
    "delete", "deltree", "erase", "remove", "rm_r", "rmdir", "unlink",
];
const WRITING: [&str; 8] = [
    "append", "copy", "move", "rename", "save", "spit", "truncate", "write",
];

/// Returns how what has this name reaches for files, in a language whose names are
/// not all known.
pub(super) fn access_of(name: &str) -> Access {
    let lower = name.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    Access {
        delete: says(&REMOVING) || lower == "rm",
        write: says(&WRITING),
        ..Access::default()
    }
}

/// Returns what a text or a part of a name means as a module.
pub(super) fn of_module(name: &str) -> Option<Meaning> {
    let found = MODULES.iter().find(|(known, _)| *known == name);
    found.map(|(_, meaning)| *meaning)
}

/// Returns what `name`, a part of `owner`, means where it is used.
pub(super) fn meaning(name: &str, owner: &str, tongue: Tongue) -> Option<Meaning> {
    let last = owner.rsplit(['.', ':', '>']).next().unwrap_or_default();
    let owned = OWNED
        .iter()
        .find(|(known, owners, _)| *known == name && owners.contains(&last));
    if let Some((_, _, meaning)) = owned {
        return Some(*meaning);
    }
    match (name, tongue) {
        // It runs code in Python and searches text in JavaScript, commands elsewhere.
        ("exec", Tongue::Python) => return Some(Evaluate),
        ("exec", Tongue::Script) if !last.is_empty() && last != "child_process" => return None,
        ("exec", _) => return Some(Run),
        ("open", Tongue::Python | Tongue::Perl | Tongue::Ruby | Tongue::Lua | Tongue::Foreign)
            if last.is_empty() =>
        {
            return Some(Open);
        }
        ("file" | "include" | "include_once" | "require" | "require_once", Tongue::Php)
        | ("dofile" | "loadfile", Tongue::Lua)
        | ("@include" | "@load", Tongue::Awk) => return Some(Read),
        ("cmd" | "command" | "run" | "shell", Tongue::Foreign) => return Some(Run),
        ("script", Tongue::Other) => return Some(Run),
        ("socketConnection", Tongue::Foreign) => return Some(Connect),
        ("Dial", _) => return Some(Connect),
        ("get" | "getstore", Tongue::Perl) if last.is_empty() => return Some(Fetch),
        ("iex" | "Expression", Tongue::Foreign) => return Some(Evaluate),
        // Whatever they are parts of, a path among their arguments is that of a file.
        ("rm" | "rename" | "truncate", Tongue::Script)
        | ("rename" | "truncate", Tongue::Perl | Tongue::Php) => return Some(Delete),
        ("execShellCmd" | "execCmd" | "run_program" | "sh" | "proc", Tongue::Foreign)
        | ("sh", Tongue::Ruby)
        | ("$", Tongue::Script) => return Some(Run),
        ("delete", Tongue::Editor) => return Some(Delete),
        ("writefile", Tongue::Editor) => return Some(Write),
        ("unlink" | "call", Tongue::Foreign | Tongue::Other) => return None,
        ("call", Tongue::Script | Tongue::Ruby | Tongue::Editor) => return None,
        _ => {}
    }
    let found = NAMES.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, meaning)| *meaning)
        .or_else(|| of_module(name))
}
