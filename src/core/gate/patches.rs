//! What a patch of the `*** Update File: …` format makes of a file.
//!
//! Agents apply such patches loosely: a block is searched for, if need be without its white space.
//! The result counts as known only if each block has a single place in the file.

/// Starts of lines that begin a change to a file.
const BEGINS: [&str; 3] = ["*** Update File: ", "*** Add File: ", "*** Delete File: "];

/// A block of a change: lines that are replaced by others.
#[derive(Debug, Default)]
struct Block<'a> {
    /// The line that the block stands behind, if the patch names one.
    behind: &'a str,
    old: Vec<&'a str>,
    new: Vec<&'a str>,
}

/// What a line begins, and for which file.
fn begins(line: &str) -> Option<(&'static str, &str)> {
    let line = line.trim_start();
    BEGINS.into_iter().find_map(|mark| Some((mark, line.strip_prefix(mark)?.trim())))
}

/// The text of a file after a patch. `None` if this is not known for certain. `before`: the text of
/// an existing file.
#[must_use]
pub fn after(patch: &str, file: &str, before: Option<&str>) -> Option<String> {
    let lines: Vec<&str> = patch.lines().collect();
    let mut starts = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| begins(line).is_some_and(|(_, named)| named == file));
    let (start, other) = (starts.next()?.0, starts.next());
    if other.is_some() {
        return None;
    }
    let body: Vec<&str> = lines[start + 1..]
        .iter()
        .copied()
        .take_while(|line| begins(line).is_none() && line.trim() != "*** End Patch")
        .collect();
    match begins(lines[start])?.0 {
        "*** Add File: " => {
            let added: Option<Vec<&str>> =
                body.into_iter().map(|line| line.strip_prefix('+')).collect();
            Some(added?.into_iter().flat_map(|line| [line, "\n"]).collect())
        }
        "*** Update File: " => replaced(before?, &blocks(&body)?),
        _ => None,
    }
}

fn blocks<'a>(body: &[&'a str]) -> Option<Vec<Block<'a>>> {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    for (at, line) in body.iter().enumerate() {
        if let Some(behind) = line.strip_prefix("@@") {
            blocks.push(Block { behind: behind.trim(), ..Block::default() });
            continue;
        }
        if at == 0 {
            blocks.push(Block::default());
        }
        let block = blocks.last_mut()?;
        match line.chars().next() {
            Some('-') => block.old.push(&line[1..]),
            Some('+') => block.new.push(&line[1..]),
            Some(' ') => {
                block.old.push(&line[1..]);
                block.new.push(&line[1..]);
            }
            None => {
                block.old.push("");
                block.new.push("");
            }
            // Another name for the file, the end of the file, or nothing that is known.
            Some(_) => return None,
        }
    }
    Some(blocks)
}

fn replaced(before: &str, blocks: &[Block<'_>]) -> Option<String> {
    let lines: Vec<&str> = before.lines().collect();
    let mut after: Vec<&str> = Vec::new();
    let mut done = 0;
    for block in blocks {
        let at = only_place(&lines, &block.old)?;
        let behind = block.behind.is_empty()
            || only_place(&lines, &[block.behind]).is_some_and(|line| line < at);
        if at < done || !behind {
            return None;
        }
        after.extend(&lines[done..at]);
        after.extend(&block.new);
        done = at + block.old.len();
    }
    after.extend(&lines[done..]);
    Some(after.into_iter().flat_map(|line| [line, "\n"]).collect())
}

/// The only place where these lines stand, whatever the white space around them.
fn only_place(lines: &[&str], wanted: &[&str]) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    let same = |found: &[&str]| found.iter().zip(wanted).all(|(a, b)| a.trim() == b.trim());
    let mut places = lines.windows(wanted.len()).enumerate().filter(|(_, found)| same(found));
    let (place, other) = (places.next()?.0, places.next());
    other.is_none().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_whose_result_is_known() {
        let before = "one\ntwo\nthree\nfour\n";
        let of = |body: &str| {
            let patch = format!("*** Begin Patch\n*** Update File: a\n{body}\n*** End Patch");
            after(&patch, "a", Some(before))
        };
        assert_eq!(of("@@\n one\n-two\n+2").as_deref(), Some("one\n2\nthree\nfour\n"));
        assert_eq!(of("@@ one\n-two\n+2\n@@\n-four\n+4").as_deref(), Some("one\n2\nthree\n4\n"));
        for body in [
            // Behind another line than said, in another order, twice, nowhere, moved.
            "@@ four\n-two\n+2",
            "@@\n-four\n+4\n@@\n-two\n+2",
            "@@\n+5",
            "@@\n-five\n+5",
            "*** Move to: b\n@@\n-two\n+2",
            "@@\n-two\n+2\n*** Update File: a\n@@\n-one\n+1",
        ] {
            assert_eq!(of(body), None, "{body}");
        }
        assert_eq!(after("*** Update File: a\n@@\n-x\n+y", "a", Some("x\n x\n")), None);
        assert_eq!(after("*** Update File: a\n@@\n-x\n+y", "a", None), None);
        let added = "*** Begin Patch\n*** Add File: a\n+x\n+y\n*** Add File: b\n+z\n*** End Patch";
        assert_eq!(after(added, "a", None).as_deref(), Some("x\ny\n"));
        assert_eq!(after("*** Delete File: a", "a", Some("x")), None);
    }
}
