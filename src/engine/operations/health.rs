//! Health checks: is the store intact and writable, does its disk have space, is the file system
//! local, and does a bot serve the store?
//!
//! Changes nothing and creates no store.

use std::path::Path;

use super::heartbeat;
use super::heartbeat::{Heartbeat, Running};
use crate::core::Time;
use crate::core::values::check_result::CheckResult;
use crate::disk;
use crate::presentation::text::span;
use crate::store::sqlite::health::{Examination, examine};
use crate::store::{StoreError, files};

const STORE: &str = "Store";
const BOT: &str = "Bot";

/// Free bytes below which to warn, and below which writes to the store will soon fail.
const LITTLE_ROOM: u64 = 500 << 20;
const NO_ROOM: u64 = 20 << 20;
/// Linux's list of mounts.
const MOUNTS: &str = "/proc/self/mountinfo";
/// Maximum number of undeliverable cards listed one by one.
const MOST_NAMED: usize = 10;

/// Checks a store and the bot serving the store. Reads the whole store.
#[must_use]
pub fn checkup(store: &Path, wall: Time) -> Vec<CheckResult> {
    let running = heartbeat::of(store);
    if !store.exists() {
        let what = format!("the store {} does not exist yet", store.display());
        let make = "The first gander ask or gander serve creates it. If it should exist, give \
            its path with --store or in gander.toml";
        let mut found = vec![CheckResult::warning(STORE, what, make)];
        found.extend(disk(store));
        found.extend(bot(&running, 0, wall));
        return found;
    }
    let mut found =
        vec![CheckResult::fine(STORE, format!("{}, {}", store.display(), size(bytes_of(store))))];
    let mut unsettled = 0;
    match examine(store) {
        Ok(examined) => {
            unsettled = examined.unsettled.len();
            found.extend(content(&examined, store));
        }
        Err(error) => found.push(CheckResult::broken(STORE, error.to_string(), restore(store))),
    }
    found.extend(permissions(store));
    found.extend(disk(store));
    found.extend(bot(&running, unsettled, wall));
    found
}

fn restore(store: &Path) -> String {
    format!(
        "Stop gander serve, keep a copy of {} with its -wal and -shm files, and restore a \
         backup; or use another file with --store",
        store.display()
    )
}

fn content(examined: &Examination, store: &Path) -> Vec<CheckResult> {
    let mut found = Vec::new();
    let (has, known) = (examined.schema, examined.known_schema);
    let is_old = has < known || has == known && examined.audit.is_none();
    let later = if is_old { ", upgraded at the next start" } else { "" };
    found.push(CheckResult::fine(STORE, format!("its schema has version {has}{later}")));
    if let Some(audit) = &examined.audit {
        found.push(match (&audit.fault, &audit.chain) {
            (Some(fault), _) => CheckResult::broken(
                STORE,
                format!("it was damaged or changed: {fault}"),
                format!("gander audit verify finds the same. {}", restore(store)),
            ),
            (None, Some(chain)) => {
                let hash: String = chain.hash.chars().take(16).collect();
                let head = if hash.is_empty() { "none".to_owned() } else { hash };
                let events = if chain.seq == 1 { "event" } else { "events" };
                let what = format!(
                    "the file is sound, and the log's hash chain is \
                     intact: {} {events}, head {head}",
                    chain.seq
                );
                CheckResult::fine(STORE, what)
            }
            (None, None) => CheckResult::fine(STORE, "the log is empty"),
        });
    }
    found.extend(write_ahead_log(examined));
    match &examined.writable {
        Ok(()) => found.push(CheckResult::fine(STORE, "it is writable")),
        Err(StoreError::Busy) => found.push(CheckResult::warning(
            STORE,
            "another process held the store's write lock for 2 s",
            "Run this again; if the problem remains, find the process with: fuser gander.db",
        )),
        Err(error) => found.push(CheckResult::broken(
            STORE,
            error.to_string(),
            "Give your user write permission for the file and its folder",
        )),
    }
    found
}

/// The size of the write-ahead log: nothing to report while it is short.
fn write_ahead_log(examined: &Examination) -> Option<CheckResult> {
    let what = format!("its write-ahead log has {}", size(examined.log_bytes));
    if !examined.log_is_long {
        return (examined.log_bytes > 0).then(|| CheckResult::fine(STORE, what));
    }
    Some(CheckResult::warning(
        STORE,
        format!(
            "{what}: a process has been reading the store for a long time, so SQLite cannot \
             shorten the log"
        ),
        "Find the process with: fuser gander.db. Once its read has ended, gander serve shortens \
         the log within seconds",
    ))
}

/// Size in bytes of the store and its write-ahead log.
fn bytes_of(store: &Path) -> u64 {
    let parts = [store.to_owned(), files::beside(store, "-wal")];
    parts.iter().filter_map(|part| std::fs::metadata(part).ok()).map(|about| about.len()).sum()
}

/// A size in human-readable units.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    let unit = UNITS.iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(name, unit)| format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
    )
}

/// The store's files and folder by the end of their name, each with its private mode.
#[cfg(unix)]
const PRIVATE: [(&str, u32); 7] = [
    ("", 0o600),
    ("-wal", 0o600),
    ("-shm", 0o600),
    (".lock", 0o600),
    (".pulse", 0o600),
    (".making", 0o600),
    (".files", 0o700),
];

#[cfg(unix)]
fn permissions(store: &Path) -> Vec<CheckResult> {
    use std::os::unix::fs::PermissionsExt as _;
    let wrong = |(end, private): (&str, u32)| {
        let path = files::beside(store, end);
        let facts = path.symlink_metadata().ok()?;
        if facts.is_symlink() && !end.is_empty() {
            let what = format!("{} is a link: Gander does not use it", path.display());
            return Some(CheckResult::broken(STORE, what, format!("rm {}", path.display())));
        }
        let mode = path.metadata().ok()?.permissions().mode() & 0o777;
        let harm = match end {
            ".files" => "a user with write access can exchange the files attached to decisions",
            _ => "a user with write access can forge a verdict",
        };
        let what = format!("other users can access {} (mode {mode:03o}): {harm}", path.display());
        let remedy = format!("chmod {private:o} {}", path.display());
        match mode {
            mode if mode & 0o077 == 0 => None,
            mode if mode & 0o022 != 0 => Some(CheckResult::broken(STORE, what, remedy)),
            _ => Some(CheckResult::warning(STORE, what, remedy)),
        }
    };
    let found: Vec<CheckResult> = PRIVATE.into_iter().filter_map(wrong).collect();
    if found.is_empty() {
        return vec![CheckResult::fine(STORE, "only your user can read and write it")];
    }
    found
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Vec<CheckResult> {
    Vec::new()
}

/// Checks the store's disk: free space, and whether the file system is local.
fn disk(store: &Path) -> Vec<CheckResult> {
    let folder = files::folder_of(store);
    let folder =
        folder.ancestors().find(|folder| folder.is_dir()).unwrap_or_else(|| Path::new("."));
    let mut found = vec![room(folder)];
    let mounts = disk::read_own_text(Path::new(MOUNTS), disk::LONGEST_SETTINGS).unwrap_or_default();
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // Say nothing where the system gives no information.
    found.extend(file_system(&mounts, &real).map(|name| is_local(&name)));
    found
}

fn room(folder: &Path) -> CheckResult {
    let free = match fs4::available_space(folder) {
        Ok(free) => free,
        Err(error) => {
            let what = format!("the free space of {} is unknown: {error}", folder.display());
            return CheckResult::warning(STORE, what, "Check it yourself, for example with: df -h");
        }
    };
    let what = format!("{} free on its disk", size(free));
    let remedy = format!(
        "Free space on the disk of {}: when the disk is full, nothing can be asked or decided",
        folder.display()
    );
    match free {
        ..NO_ROOM => CheckResult::broken(STORE, what, remedy),
        NO_ROOM..LITTLE_ROOM => CheckResult::warning(STORE, what, remedy),
        _ => CheckResult::fine(STORE, what),
    }
}

fn is_local(file_system: &str) -> CheckResult {
    const REMOTE: [&str; 13] = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.rclone",
    ];
    if REMOTE.contains(&file_system) {
        return CheckResult::broken(
            STORE,
            format!(
                "it is on a network file system ({file_system}), where SQLite's locks and \
                 flushes are unreliable"
            ),
            "Move it to a local disk: stop gander serve, move gander.db with its -wal, -shm and \
             .files, and set store in gander.toml",
        );
    }
    CheckResult::fine(STORE, format!("it is on a local disk ({file_system})"))
}

/// The type of a folder's file system, from the text of `/proc/self/mountinfo`.
fn file_system(mounts: &str, folder: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        // `mountinfo` escapes blanks in paths.
        let point = before.split(' ').nth(4)?.replace("\\040", " ");
        folder
            .starts_with(&point)
            .then(|| (point.len(), after.split(' ').next().unwrap_or_default().to_owned()))
    };
    // The later of two mounts at the same point covers the earlier.
    mounts
        .lines()
        .filter_map(mount)
        .enumerate()
        .max_by_key(|(nth, (length, _))| (*length, *nth))
        .map(|(_, (_, kind))| kind)
}

fn bot(running: &Running, unsettled: usize, wall: Time) -> Vec<CheckResult> {
    match running {
        Running::No => {
            let mut found = vec![CheckResult::broken(
                BOT,
                "gander serve is not running on this store: cards are not posted, and clicks are \
                 not answered",
                "Start it with gander serve; docs/operations.md \
                 explains how to run it under systemd",
            )];
            if unsettled > 0 {
                let what = format!("{unsettled} cards wait to be posted or edited");
                found.push(CheckResult::warning(
                    BOT,
                    what,
                    "This happens when gander serve runs; gander attention lists the decisions",
                ));
            }
            found
        }
        Running::Silent(holder) => vec![CheckResult::warning(
            BOT,
            format!("gander serve runs on this store ({holder}), but has not reported its health"),
            "If it has just started, run this again. Otherwise restart it, and read its log",
        )],
        Running::Yes(heartbeat) => of_heartbeat(heartbeat, wall),
    }
}

fn of_heartbeat(heartbeat: &Heartbeat, wall: Time) -> Vec<CheckResult> {
    let runs = format!(
        "gander serve has been running since {} (process {})",
        span(wall - heartbeat.since),
        heartbeat.process
    );
    let mut found = vec![match heartbeat.connected {
        Some(since) => CheckResult::fine(
            BOT,
            format!("{runs}, connected to Discord since {}", span(wall - since)),
        ),
        None => CheckResult::broken(
            BOT,
            format!("{runs}, but is not connected to Discord"),
            "It retries automatically; its log has the reason",
        ),
    }];
    if !heartbeat.listening.is_empty() {
        found.push(CheckResult::fine(
            BOT,
            format!("it listens for agents on {}", heartbeat.listening.join(" and ")),
        ));
    }
    if let Some(why) = &heartbeat.configuration {
        let what = format!("its configuration is invalid, so it uses the previous one: {why}");
        found.push(CheckResult::broken(BOT, what, "Correct the file; it is read again when saved"));
    }
    found.extend(
        heartbeat
            .after_restart
            .iter()
            .map(|what| CheckResult::warning(BOT, what, "Restart gander serve when convenient")),
    );
    found.extend(heartbeat.another.as_ref().map(|another| {
        let (what, remedy) = another.describe(wall);
        CheckResult::warning(BOT, what, remedy)
    }));
    for (id, why) in heartbeat.held_back.iter().take(MOST_NAMED) {
        let remedy = "Follow this advice; the card is tried again within a minute. Until then, \
            /attention shows the decision";
        found.push(CheckResult::broken(
            BOT,
            format!("the card of {id} cannot be posted: {why}"),
            remedy,
        ));
    }
    if heartbeat.held_back.len() > MOST_NAMED {
        let what =
            format!("{} more cards cannot be posted", heartbeat.held_back.len() - MOST_NAMED);
        found.push(CheckResult::broken(
            BOT,
            what,
            "Probably for the same reasons; gander status --json lists them",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::values::check_result::Health;

    #[test]
    fn the_file_system_of_a_folder_is_that_of_the_innermost_mount() {
        let mounts = "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n\
                      40 22 0:35 / /home rw shared:20 - nfs4 server:/home rw\n\
                      41 40 0:36 / /home/maya/my\\040disk rw - btrfs /dev/sdb rw\n\
                      42 22 0:40 / /mnt rw - ext4 /dev/sdc rw\n\
                      43 22 0:41 / /mnt rw - cifs //server/share rw\n\
                      broken line";
        for (folder, kind) in [
            ("/var/lib", "ext4"),
            ("/homes", "ext4"),
            ("/home/maya", "nfs4"),
            ("/home/maya/my disk/x", "btrfs"),
            ("/mnt/x", "cifs"),
        ] {
            assert_eq!(file_system(mounts, Path::new(folder)).as_deref(), Some(kind), "{folder}");
        }
        assert_eq!(file_system("", Path::new("/")), None);
        assert_eq!(
            (is_local("nfs4").state, is_local("btrfs").state),
            (Health::Broken, Health::Fine)
        );
    }

    #[test]
    fn sizes_are_told_in_the_largest_unit() {
        let said: Vec<String> = [12, 2_048, 1_572_864, 5 << 30].into_iter().map(size).collect();
        assert_eq!(said, ["12 bytes", "2.0 KB", "1.5 MB", "5.0 GB"]);
    }
}
