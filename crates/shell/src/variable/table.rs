//! The variables that give code to programs, and how the value of each is read.

/// How the value of a variable is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Use {
    /// Text for a shell.
    Shell,
    /// The name of a program, or else text for a shell.
    Program,
    /// What follows this text in a command line that is as good as run.
    Words(&'static str),
    /// Text for a shell behind this sign.
    After(&'static str),
    /// The one word that follows this text there.
    Word(&'static str),
    /// Files or folders whose code is loaded, with `:` between them.
    Loads,
    /// Options of a program, some of which load a file or are code.
    Options(&'static Taken),
    /// A function of bash.
    Function,
    /// A file or a folder that is written.
    Writes,
    /// Settings of git, each in quotes.
    Settings,
}

/// The options that a program takes from a variable.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Taken {
    /// The command line that they are as good as a part of.
    pub(super) start: &'static str,
    /// Those whose value is a file that is loaded.
    pub(super) files: &'static [&'static str],
    /// What shows that one of them is code.
    pub(super) code: &'static [&'static str],
    /// Whether quotes in the value keep words together.
    pub(super) has_quotes: bool,
}

use Use::{After, Function, Loads, Options, Program, Settings, Shell, Word, Words, Writes};

const NODE: &Taken = &Taken {
    start: "node ",
    files: &[
        "--require",
        "-r",
        "--import",
        "--loader",
        "--experimental-loader",
    ],
    code: &["data:"],
    has_quotes: false,
};
const RUBY: &Taken = &loading(&["-r", "-I"]);
const PERL: &Taken = &loading(&["-I", "-Mlib="]);
const JAVA: &Taken = &Taken {
    start: "java ",
    files: &["-javaagent:", "-agentpath:", "-Xbootclasspath/a:", "@"],
    code: &["-XX:OnError", "-XX:OnOutOfMemoryError"],
    has_quotes: true,
};
const GO: &Taken = &Taken {
    start: "go build ",
    files: &["-overlay", "-modfile"],
    code: &["-exec", "-toolexec", "-vettool"],
    has_quotes: true,
};

const fn loading(files: &'static [&'static str]) -> Taken {
    Taken {
        start: "",
        files,
        code: &[],
        has_quotes: false,
    }
}

/// Variables by how their names begin and end, with what may stand between.
const PATTERNS: [(&str, &str, Use); 4] = [
    ("BASH_FUNC_", "%%", Function),
    ("CARGO_TARGET_", "_LINKER", Program),
    ("CARGO_TARGET_", "_RUNNER", Program),
    ("GIT_TRACE", "", Writes),
];

/// The variables, in order.
const VARIABLES: &[(&str, Use)] = &[
    ("ANT_OPTS", Options(JAVA)),
    ("AR", Program),
    ("AWS_PAGER", Shell),
    ("BASH_ENV", Loads),
    ("BAT_PAGER", Shell),
    ("BORG_PASSCOMMAND", Shell),
    ("BORG_RSH", Shell),
    ("BROWSER", Shell),
    ("BUN_OPTIONS", Options(NODE)),
    ("CARGO_BUILD_RUSTC", Program),
    ("CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER", Program),
    ("CARGO_BUILD_RUSTC_WRAPPER", Program),
    ("CARGO_BUILD_RUSTDOC", Program),
    ("CC", Program),
    ("CCACHE_PREFIX", Program),
    ("CLASSPATH", Loads),
    ("CMAKE_CXX_COMPILER_LAUNCHER", Program),
    ("CMAKE_C_COMPILER_LAUNCHER", Program),
    ("COVERAGE_FILE", Writes),
    ("CURL_HOME", Loads),
    ("CVS_RSH", Shell),
    ("CXX", Program),
    ("DELTA_PAGER", Shell),
    ("DYLD_FRAMEWORK_PATH", Loads),
    ("DYLD_INSERT_LIBRARIES", Loads),
    ("DYLD_LIBRARY_PATH", Loads),
    ("EDITOR", Shell),
    ("ENV", Loads),
    ("EXINIT", Word("vim -c ")),
    ("FCEDIT", Shell),
    ("FZF_ALT_C_COMMAND", Shell),
    ("FZF_CTRL_T_COMMAND", Shell),
    ("FZF_DEFAULT_COMMAND", Shell),
    ("FZF_DEFAULT_OPTS", Words("fzf ")),
    ("GCONV_PATH", Loads),
    ("GCOV_PREFIX", Writes),
    ("GEM_HOME", Loads),
    ("GEM_PATH", Loads),
    ("GH_BROWSER", Shell),
    ("GH_EDITOR", Shell),
    ("GH_PAGER", Shell),
    ("GIT_ASKPASS", Shell),
    ("GIT_CONFIG", Loads),
    ("GIT_CONFIG_GLOBAL", Loads),
    ("GIT_CONFIG_PARAMETERS", Settings),
    ("GIT_CONFIG_SYSTEM", Loads),
    ("GIT_EDITOR", Shell),
    ("GIT_EXEC_PATH", Loads),
    ("GIT_EXTERNAL_DIFF", Shell),
    ("GIT_INDEX_FILE", Writes),
    ("GIT_OBJECT_DIRECTORY", Writes),
    ("GIT_PAGER", Shell),
    ("GIT_PROXY_COMMAND", Shell),
    ("GIT_SEQUENCE_EDITOR", Shell),
    ("GIT_SSH", Shell),
    ("GIT_SSH_COMMAND", Shell),
    ("GIT_TEMPLATE_DIR", Loads),
    ("GNUMAKEFLAGS", Words("make ")),
    ("GOCOVERDIR", Writes),
    ("GOFLAGS", Options(GO)),
    ("GRADLE_OPTS", Options(JAVA)),
    ("GREP_OPTIONS", Words("grep ")),
    ("HGEDITOR", Shell),
    ("HGMERGE", Shell),
    ("INPUTRC", Loads),
    ("JAVA_OPTS", Options(JAVA)),
    ("JAVA_TOOL_OPTIONS", Options(JAVA)),
    ("JDK_JAVA_OPTIONS", Options(JAVA)),
    ("JJ_EDITOR", Shell),
    ("JULIA_LOAD_PATH", Loads),
    ("KUBECTL_EXTERNAL_DIFF", Shell),
    ("KUBE_EDITOR", Shell),
    ("LD", Program),
    ("LD_AUDIT", Loads),
    ("LD_LIBRARY_PATH", Loads),
    ("LD_PRELOAD", Loads),
    ("LESS", After("+!")),
    ("LESSCLOSE", Shell),
    ("LESSHISTFILE", Writes),
    ("LESSOPEN", Shell),
    ("LLVM_PROFILE_FILE", Writes),
    ("LUA_CPATH", Loads),
    ("LUA_INIT", Word("lua -e ")),
    ("LUA_PATH", Loads),
    ("MAKEFILES", Loads),
    ("MAKEFLAGS", Words("make ")),
    ("MANOPT", Words("man ")),
    ("MANPAGER", Shell),
    ("MAVEN_OPTS", Options(JAVA)),
    ("MYSQL_HISTFILE", Writes),
    ("MYVIMRC", Loads),
    ("NODE_OPTIONS", Options(NODE)),
    ("NODE_PATH", Loads),
    ("NODE_REDIRECT_WARNINGS", Writes),
    ("NODE_REPL_HISTORY", Writes),
    ("NODE_V8_COVERAGE", Writes),
    ("NPM_CONFIG_REGISTRY", Word("npm install --registry ")),
    ("NPM_CONFIG_SCRIPT_SHELL", Program),
    ("NPM_CONFIG_USERCONFIG", Loads),
    ("OPENSSL_CONF", Loads),
    ("PAGER", Shell),
    ("PATH", Loads),
    ("PERL5DB", Word("perl -e ")),
    ("PERL5LIB", Loads),
    ("PERL5OPT", Options(PERL)),
    ("PERLLIB", Loads),
    ("PIP_CONFIG_FILE", Loads),
    (
        "PIP_EXTRA_INDEX_URL",
        Word("pip install --extra-index-url "),
    ),
    ("PIP_FIND_LINKS", Word("pip install --find-links ")),
    ("PIP_INDEX_URL", Word("pip install --index-url ")),
    ("PIP_TRUSTED_HOST", Word("pip install --trusted-host ")),
    ("PROMPT_COMMAND", Shell),
    ("PSQLRC", Loads),
    ("PSQL_EDITOR", Shell),
    ("PSQL_HISTORY", Writes),
    ("PSQL_PAGER", Shell),
    ("PYTHONHOME", Loads),
    ("PYTHONPATH", Loads),
    ("PYTHONPYCACHEPREFIX", Writes),
    ("PYTHONSTARTUP", Loads),
    ("PYTHONUSERBASE", Loads),
    ("PYTHON_HISTORY", Writes),
    ("RCLONE_PASSWORD_COMMAND", Shell),
    ("RESTIC_PASSWORD_COMMAND", Shell),
    ("RSYNC_RSH", Shell),
    ("RUBYLIB", Loads),
    ("RUBYOPT", Options(RUBY)),
    ("RUSTC", Program),
    ("RUSTC_WORKSPACE_WRAPPER", Program),
    ("RUSTC_WRAPPER", Program),
    ("RUSTDOC", Program),
    ("R_PROFILE_USER", Loads),
    ("SBT_OPTS", Options(JAVA)),
    ("SHELL", Program),
    ("SKIM_DEFAULT_COMMAND", Shell),
    ("SKIM_DEFAULT_OPTIONS", Words("sk ")),
    ("SQLITE_HISTORY", Writes),
    ("SSH_ASKPASS", Shell),
    ("SSLKEYLOGFILE", Writes),
    ("SUDO_ASKPASS", Shell),
    ("SUDO_EDITOR", Shell),
    ("SVN_EDITOR", Shell),
    ("SVN_SSH", Shell),
    ("SYSTEMD_EDITOR", Shell),
    ("SYSTEMD_PAGER", Shell),
    ("TAR_OPTIONS", Words("tar ")),
    ("TEXEDIT", Shell),
    ("UV_DEFAULT_INDEX", Word("uv pip install --index-url ")),
    (
        "UV_EXTRA_INDEX_URL",
        Word("uv pip install --extra-index-url "),
    ),
    ("UV_INDEX_URL", Word("uv pip install --index-url ")),
    ("VIMINIT", Word("vim -c ")),
    ("VISUAL", Shell),
    ("WGETRC", Loads),
    ("XDG_CONFIG_HOME", Loads),
    ("ZDOTDIR", Loads),
    ("_JAVA_OPTIONS", Options(JAVA)),
    ("npm_config_registry", Word("npm install --registry ")),
    ("npm_config_script_shell", Program),
    ("npm_config_userconfig", Loads),
];

/// Returns how the value of the variable `name` is read, if it gives code.
pub(super) fn use_of(name: &str) -> Option<Use> {
    let found = VARIABLES.binary_search_by(|(known, _)| (*known).cmp(name));
    let found = found.ok().and_then(|at| VARIABLES.get(at));
    let of_pattern = || {
        let is_of = |(start, end, _): &&(&str, &str, Use)| {
            let rest = name.strip_prefix(start);
            rest.is_some_and(|rest| rest.ends_with(end))
        };
        PATTERNS.iter().find(is_of).map(|(_, _, found)| *found)
    };
    found.map(|(_, found)| *found).or_else(of_pattern)
}

#[cfg(test)]
mod tests {
    use super::VARIABLES;

    #[test]
    fn the_variables_are_in_order_so_that_they_can_be_searched() {
        assert!(VARIABLES.is_sorted_by_key(|(name, _)| *name));
    }
}
