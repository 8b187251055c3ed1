//! Files that agents may put in the place of a file, and exchange while it is opened.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Exchanges in the tests with a second thread.
const EXCHANGES: u32 = 5_000;

fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, PRIVATE_FILE, 0).unwrap();
}

/// A folder `open/` with one thing of each kind, beside a secret.
fn world() -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name);
    std::fs::write(at("secret"), "secret").unwrap();
    std::fs::create_dir_all(at("open/deep/deeper")).unwrap();
    std::fs::create_dir(at("elsewhere")).unwrap();
    std::fs::write(at("elsewhere/file"), "secret").unwrap();
    std::fs::write(at("open/file"), "text").unwrap();
    std::fs::write(at("open/deep/deeper/file"), "deep").unwrap();
    std::fs::write(at("open/long"), [b' '; 9]).unwrap();
    std::fs::write(at("open/bytes"), [0xff]).unwrap();
    std::fs::hard_link(at("secret"), at("open/second-name")).unwrap();
    symlink("../secret", at("open/link")).unwrap();
    symlink("file", at("open/near")).unwrap();
    symlink("../elsewhere", at("open/way")).unwrap();
    symlink("/dev/zero", at("open/endless")).unwrap();
    fifo(&at("open/pipe"));
    drop(std::os::unix::net::UnixListener::bind(at("open/socket")).unwrap());
    temporary
}

fn said<T: std::fmt::Debug>(result: Result<T, FileError>) -> String {
    match result {
        Ok(found) => format!("{found:?}"),
        Err(error) if error.is_absence() => "absent".into(),
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn a_strangers_file_is_read_only_if_it_is_one_and_lies_in_the_folder() {
    let temporary = world();
    let open = temporary.path().join("open");
    for by_part in [false, true] {
        let folder = Folder::open(&open).unwrap();
        let folder = if by_part { folder.by_part() } else { folder };
        for (path, expected) in [
            ("file", "\"text\""),
            ("./deep/deeper/file", "\"deep\""),
            ("deep/../file", "\"text\""),
            ("missing", "absent"),
            ("file/below", "absent"),
            ("missing/below", "absent"),
            ("long", "TooLong(8)"),
            ("bytes", "NotText"),
            ("second-name", "SeveralNames"),
            ("link", "Link"),
            ("near", "Link"),
            ("way/file", "Link"),
            ("way", "Link"),
            ("endless", "Link"),
            ("pipe", "NotRegular"),
            ("socket", "NotRegular"),
            ("deep", "Folder"),
            (".", "Folder"),
            ("../secret", "Outside"),
            ("deep/../../secret", "Outside"),
            ("/etc/hostname", "Outside"),
        ] {
            let read = folder.read_text(Path::new(path), 8);
            assert_eq!(said(read), expected, "{path}, part by part: {by_part}");
        }
        for (path, expected) in [("deep/deeper", true), ("way", false), ("file", false)] {
            assert_eq!(folder.folder(Path::new(path)).is_ok(), expected, "{path}");
        }
        assert_eq!(said(folder.folder(Path::new("way"))), "Link");
    }
}

#[test]
fn the_users_own_file_may_be_a_link_and_nothing_endless() {
    let temporary = world();
    let at = |name: &str| temporary.path().join("open").join(name);
    let own = |name: &str| said(read_own_text(&at(name), 8));
    let beside = |name: &str| said(read_beside(&at(name), 8).and_then(text));
    for (name, as_own, as_neighbour) in [
        ("file", "\"text\"", "\"text\""),
        ("near", "\"text\"", "Link"),
        ("link", "\"secret\"", "Link"),
        ("second-name", "\"secret\"", "\"secret\""),
        ("endless", "NotRegular", "Link"),
        ("pipe", "NotRegular", "NotRegular"),
        ("socket", "NotRegular", "NotRegular"),
        ("deep", "Folder", "Folder"),
        ("long", "TooLong(8)", "TooLong(8)"),
        ("missing", "absent", "absent"),
    ] {
        assert_eq!((own(name).as_str(), beside(name).as_str()), (as_own, as_neighbour), "{name}");
    }
    assert_eq!(said(read_argument(&at("pipe"), 8)), "[]", "nobody writes: it ends at once");
    assert_eq!(said(read_argument(&at("endless"), 8)), "NotRegular");
}

#[test]
fn a_pipe_given_on_the_command_line_is_read_to_its_end() {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    let writing = std::thread::spawn(move || {
        for _ in 0..100 {
            writer.write_all(&[b'x'; 4096]).unwrap();
        }
    });
    assert_eq!(read_argument(&path, 1 << 20).unwrap().len(), 409_600);
    writing.join().unwrap();
    assert_eq!(said(read_own(&path, 1 << 20)), "NotRegular");
}

#[test]
fn what_is_written_goes_nowhere_else() {
    let temporary = world();
    let at = |name: &str| temporary.path().join("open").join(name);
    for name in ["link", "second-name", "pipe", "deep"] {
        assert!(open_private(&at(name)).is_err(), "{name}");
    }
    for name in ["link", "second-name", "pipe", "file", "new"] {
        replace(&at(name), b"new").unwrap();
        assert_eq!(said(read_beside(&at(name), 8).and_then(text)), "\"new\"", "{name}");
    }
    assert!(create_private(&at("near")).is_err() && create_own(&at("near")).is_err());
    let folder = Folder::open(&temporary.path().join("open")).unwrap();
    for path in ["way/new", "../new", "/new", ".", "..", "new/"] {
        let path = Path::new(path);
        assert!(folder.create(path).is_err() && folder.replace(path, b"").is_err(), "{path:?}");
        assert!(folder.remove(path).is_err() && folder.make_folder(path).is_err(), "{path:?}");
        assert!(folder.rename(Path::new("file"), &folder, path).is_err(), "{path:?}");
    }
    assert_eq!(std::fs::read_to_string(temporary.path().join("secret")).unwrap(), "secret");
    let names = std::fs::read_dir(temporary.path().join("elsewhere")).unwrap().count();
    assert_eq!(names, 1, "nothing was created through the link");
    let left = folder.names().unwrap();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".new")), "{left:?}");
}

/// Ends the exchanging threads, also when the test fails.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Exchanges `name` for each of `others` in turn until `done`.
#[cfg(target_os = "linux")]
fn exchange(folder: &Path, name: &str, others: &[&str], done: &AtomicBool) {
    let folder = rustix::fs::openat(CWD, folder, OFlags::DIRECTORY, Mode::empty()).unwrap();
    let both = rustix::fs::RenameFlags::EXCHANGE;
    while !done.load(Ordering::Relaxed) {
        for other in others {
            rustix::fs::renameat_with(&folder, *other, &folder, name, both).unwrap();
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_exchanged_for_a_link_is_never_followed() {
    let temporary = world();
    let open = temporary.path().join("open");
    let done = AtomicBool::new(false);
    std::fs::create_dir(open.join("through")).unwrap();
    std::fs::write(open.join("through/file"), "text").unwrap();
    std::thread::scope(|scope| {
        let _done = Done(&done);
        scope.spawn(|| exchange(&open, "file", &["link", "pipe"], &done));
        // The folder on the way is exchanged too.
        scope.spawn(|| exchange(&open, "through", &["way"], &done));
        let best = Folder::open(&open).unwrap();
        let by_part = Folder::open(&open).unwrap().by_part();
        let mut read = 0;
        for _ in 0..EXCHANGES {
            for folder in [&best, &by_part] {
                for path in ["file", "through/file"] {
                    match folder.read_text(Path::new(path), 64) {
                        Ok(text) => {
                            assert_eq!(text, "text", "{path}");
                            read += 1;
                        }
                        Err(FileError::Link | FileError::NotRegular) => {}
                        // It was a link, and is a folder again by the time this is asked.
                        Err(error) if error.is_absence() => {}
                        Err(error) => panic!("{path}: {error:?}"),
                    }
                }
            }
        }
        assert!(read > 0, "the file itself was there now and then");
    });
}
