//! The unit of systemd that runs the service.

use super::Tree;

/// Returns the text of the unit that runs the service as `user`.
///
/// The service decides about files of everybody, so it must see the file system
/// as agents see it: its own `/tmp` or a hidden `/home` would make it take a
/// link that lies there for nothing at all. Everything else that it does not
/// need is taken away.
pub(super) fn text(tree: &Tree, user: &str) -> String {
    let on_machine = |path: &std::path::Path| tree.path_on_machine(path).display().to_string();
    let program = on_machine(&tree.programs().join("aegis"));
    let socket = on_machine(&tree.socket());
    let state = on_machine(&tree.state());
    format!(
        "# Written by `aegis install service`. Put changes into a drop-in (`systemctl edit aegis`).

[Unit]
Description=Aegis decides what AI agents may do
After=local-fs.target

[Service]
Type=exec
User={user}
Group={user}
Environment=HOME={state} AEGIS_HOME={state}
WorkingDirectory={state}
ExecStart={program} serve --socket {socket} --socket-mode 666
Restart=always
RestartSec=1s
TimeoutStopSec=30s

# Its own folders. Only the service may enter the first; everybody may reach the
# socket in the second, and only the service may put another one in its place.
StateDirectory=aegis
StateDirectoryMode=0700
RuntimeDirectory=aegis
RuntimeDirectoryMode=0755
UMask=0077

# It reads what agents would touch, whosever it is, and writes nothing but its own.
AmbientCapabilities=CAP_DAC_READ_SEARCH
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={state}
InaccessiblePaths=-/etc/shadow -/etc/shadow- -/etc/gshadow -/etc/gshadow-
# PrivateTmp stays off: agents work in /tmp, and a link there must be seen.
PrivateTmp=no
PrivateDevices=yes

# It speaks through its socket alone. A port needs a drop-in that gives this back.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
IPAddressDeny=any

LockPersonality=yes
MemoryDenyWriteExecute=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

LimitCORE=0
LimitNOFILE=65536
MemoryMax=512M
TasksMax=1024

[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// How exposed the unit may be, in tenths of the scale of `systemd-analyze security`.
    const EXPOSURE_MAX: &str = "15";

    #[test]
    fn the_unit_is_hardened() {
        let folder = tempfile::tempdir().unwrap();
        let unit = folder.path().join("aegis.service");
        fs::write(&unit, text(&Tree::below(Path::new("/")), "aegis")).unwrap();
        let output = Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=true"])
            .arg(format!("--threshold={EXPOSURE_MAX}"))
            .arg(&unit)
            .output()
            .expect("`systemd-analyze` (Debian, Ubuntu: apt-get install systemd)");
        let said = String::from_utf8_lossy(&output.stdout);
        let last = said.lines().last().unwrap_or_default();
        assert!(output.status.success(), "{said}");
        assert!(last.contains("exposure level"), "{said}");
    }

    #[test]
    fn the_service_sees_the_files_that_agents_see() {
        let text = text(&Tree::below(Path::new("/")), "aegis");
        for line in ["PrivateTmp=no", "ProtectHome=read-only"] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
        for word in [
            "ProtectProc=",
            "ProcSubset=",
            "TemporaryFileSystem=",
            "RootDirectory=",
        ] {
            assert!(!text.contains(word), "{word}");
        }
    }

    #[test]
    fn a_tree_below_a_folder_holds_a_unit_for_the_machine() {
        let machine = text(&Tree::below(Path::new("/")), "aegis");
        assert_eq!(
            text(&Tree::below(Path::new("/tmp/package")), "aegis"),
            machine
        );
    }
}
