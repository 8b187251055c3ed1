//! Files that grow, and are rotated, truncated, replaced and hostile while they are followed.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::*;

const LOG: &str = "log.jsonl";

/// A folder with a followed file.
struct World {
    temporary: tempfile::TempDir,
    place: Option<LinePlace>,
}

impl World {
    fn new() -> Self {
        Self { temporary: tempfile::tempdir().unwrap(), place: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    fn append(&self, text: &str) {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(self.path(LOG)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, to: &str) {
        std::fs::rename(self.path(LOG), self.path(to)).unwrap();
    }

    /// Everything new, as texts; refused lines as errors. The place goes through its stored form,
    /// as after a restart.
    fn read(&mut self) -> Vec<String> {
        let folder = Folder::open(self.temporary.path()).unwrap();
        let mut all = Vec::new();
        loop {
            let batch = read_on(&folder, LOG, self.place.as_ref(), Begin::AtStart).unwrap();
            let kept = serde_json::to_string(&batch.place).unwrap();
            self.place = serde_json::from_str(&kept).unwrap();
            all.extend(batch.lines.into_iter().map(|line| match line {
                Line::Text(_, text) => text,
                Line::Refused(error) => error.to_string(),
            }));
            if !batch.has_more {
                return all;
            }
        }
    }
}

#[test]
fn each_line_comes_once_and_a_half_one_when_it_is_whole() {
    let mut world = World::new();
    assert!(world.read().is_empty(), "there is no file");
    world.append("a\nb\nha");
    assert_eq!(world.read(), ["a", "b"]);
    assert!(world.read().is_empty());
    world.append("lf\n\n  \nc\r\n");
    assert_eq!(world.read(), ["half", "c"]);
    assert_eq!(world.place.as_ref().unwrap().lines, 4, "blank lines do not count");
    assert!(world.read().is_empty());
}

#[test]
fn a_rotated_file_is_read_to_its_end_first() {
    let mut world = World::new();
    world.append("a\n");
    assert_eq!(world.read(), ["a"]);
    world.append("b\nlast");
    world.rename("log.jsonl.1");
    assert_eq!(world.read(), ["b", "last"], "there is no new file yet");
    world.append("c\n");
    assert_eq!(world.read(), ["c"]);
    // Twice while nobody read.
    world.append("d\n");
    world.rename("log.jsonl.2");
    world.append("e\n");
    world.rename("log.jsonl.3");
    world.append("f\n");
    assert_eq!(world.read(), ["d", "e", "f"]);
    assert!(world.read().is_empty());
}

#[test]
fn a_truncated_replaced_or_deleted_file_begins_anew() {
    let mut world = World::new();
    world.append("a\nb\n");
    assert_eq!(world.read(), ["a", "b"]);
    std::fs::write(world.path(LOG), "c\n").unwrap();
    assert_eq!(world.read(), ["c"], "truncated");
    std::fs::write(world.path(LOG), "x\nlonger than before\n").unwrap();
    assert_eq!(world.read(), ["x", "longer than before"], "truncated, and grown beyond the place");
    std::fs::write(world.path("new"), "d\n").unwrap();
    std::fs::rename(world.path("new"), world.path(LOG)).unwrap();
    assert_eq!(world.read(), ["d"], "replaced");
    std::fs::remove_file(world.path(LOG)).unwrap();
    assert!(world.read().is_empty(), "deleted");
    world.append("e\n");
    assert_eq!(world.read(), ["e"], "created again");
}

#[test]
fn a_line_of_100_mib_and_a_file_of_1_gib_are_never_read_whole() {
    let mut world = World::new();
    world.append("before\n");
    let mut file = OpenOptions::new().append(true).open(world.path(LOG)).unwrap();
    for _ in 0..100 {
        file.write_all(&vec![b'x'; 1 << 20]).unwrap();
    }
    let refused = "the line at byte 7 has more than 1 MiB: it was skipped";
    assert_eq!(world.read(), ["before", refused]);
    world.append("still it\nafter\n");
    assert_eq!(world.read(), ["after"]);

    // A file with a hole of 1 GiB, which is one line.
    let mut file = OpenOptions::new().write(true).open(world.path(LOG)).unwrap();
    file.seek(SeekFrom::End(1 << 30)).unwrap();
    file.write_all(b"\nend\n").unwrap();
    drop(file);
    let folder = Folder::open(world.temporary.path()).unwrap();
    let batch = read_on(&folder, LOG, world.place.as_ref(), Begin::AtStart).unwrap();
    assert!(batch.has_more && batch.lines.len() == 1, "one part at a time");
    let end = read_on(&folder, LOG, None, Begin::AtEnd).unwrap();
    assert!(end.lines.is_empty() && !end.has_more, "history is not read");
    world.place = end.place;
    world.append("new\n");
    assert_eq!(world.read(), ["new"]);
}

#[test]
fn what_is_no_text_is_refused_and_what_is_no_file_is_an_error() {
    let mut world = World::new();
    std::fs::write(world.path(LOG), b"a\n\xff\xfe\nb\n").unwrap();
    assert_eq!(world.read(), ["a", "the line at byte 2 is not UTF-8 text: it was skipped", "b"]);
    let hostile: [fn(&World); 3] = [
        |world: &World| std::os::unix::fs::symlink("/etc/hostname", world.path(LOG)).unwrap(),
        |world: &World| {
            let made = std::process::Command::new("mkfifo").arg(world.path(LOG)).status();
            assert!(made.unwrap().success());
        },
        |world: &World| std::fs::create_dir(world.path(LOG)).unwrap(),
    ];
    for make in hostile {
        let world = World::new();
        make(&world);
        let folder = Folder::open(world.temporary.path()).unwrap();
        assert!(read_on(&folder, LOG, None, Begin::AtStart).is_err());
    }
    // A link in the place of a rotated file is not followed either.
    std::fs::remove_file(world.path(LOG)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", world.path(LOG)).unwrap();
    let folder = Folder::open(world.temporary.path()).unwrap();
    assert!(read_on(&folder, LOG, world.place.as_ref(), Begin::AtStart).is_err());
}

#[test]
fn the_end_of_a_half_line_is_history_too() {
    let mut world = World::new();
    world.append("a\nha");
    let folder = Folder::open(world.temporary.path()).unwrap();
    world.place = read_on(&folder, LOG, None, Begin::AtEnd).unwrap().place;
    world.append("lf\nb\n");
    assert_eq!(world.read(), ["b"]);
}
