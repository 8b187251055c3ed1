//! What changed in a call between its approval and the moment at which it was about to run.

use std::collections::BTreeMap;
use std::time::Duration;

use similar::TextDiff;

use super::ToolCall;
use crate::core::decision::{Changes, Decision, Request, Script, ScriptContent, State, Verdict};

/// Time limit for the diff of a file; afterwards the diff becomes coarser.
const PATIENCE: Duration = Duration::from_millis(200);
/// Maximum length of the diff of all files, in bytes. The files themselves go with the question.
const LONGEST_DIFF: usize = 16 << 10;
/// Most files that are named.
const MOST_FILES: usize = 20;

/// Whether a call, looked at again, is the call that was asked: the files that it runs, the file
/// that it changes, where its names lead, and what stands behind them. What a search takes in may
/// differ: other programs write files while a person decides.
#[must_use]
pub fn stands(asked: &ToolCall, now: &ToolCall) -> bool {
    let relied_on = |call: &ToolCall| {
        let ToolCall { real, poses_as_repository, before, facts, .. } = call.clone();
        (real, poses_as_repository, before, facts.files, facts.git, facts.shadowed, facts.runs)
    };
    relied_on(asked) == relied_on(now)
}

/// What differs in `request` from the call that was approved as `earlier`. `None` if `earlier` was
/// not approved.
#[must_use]
pub fn since(earlier: &Decision, request: &Request) -> Option<Changes> {
    let State::Resolved(resolved) = &earlier.state else { return None };
    let is_approved = matches!(resolved.verdict, Verdict::Approved { .. });
    since_answer(earlier, request).filter(|_| is_approved)
}

/// What differs in `request` from the call of `earlier`, whose answer let the call run. `None`
/// without an answer.
#[must_use]
pub fn since_answer(earlier: &Decision, request: &Request) -> Option<Changes> {
    let State::Resolved(resolved) = &earlier.state else { return None };
    let by_path = |scripts: &'_ [Script]| -> BTreeMap<String, ScriptContent> {
        scripts.iter().map(|script| (script.path.clone(), script.content.clone())).collect()
    };
    let (before, after) = (by_path(&earlier.request.scripts), by_path(&request.scripts));
    let paths = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
    let mut files: Vec<&String> =
        paths.filter(|path| before.get(*path) != after.get(*path)).collect();
    files.sort();
    files.truncate(MOST_FILES);
    let diffs = files.iter().map(|path| diff(path, before.get(*path), after.get(*path)));
    Some(Changes {
        since: earlier.id,
        by: resolved.by.clone(),
        via: resolved.via,
        diff: cut(diffs.collect()),
        files: files.into_iter().cloned().collect(),
    })
}

/// Unified diff of one file. A content that is not shown has no lines.
fn diff(path: &str, before: Option<&ScriptContent>, after: Option<&ScriptContent>) -> String {
    // A line break in the name would add lines to the diff.
    let path = path.replace(['\n', '\r'], " ");
    let name = path.trim_start_matches('/');
    let header = |side: &str, content: Option<&ScriptContent>| match content {
        None => "/dev/null".to_owned(),
        Some(ScriptContent::Text { .. }) => format!("{side}/{name}"),
        Some(_) => format!("{side}/{name} (content not shown)"),
    };
    let (from, to) = (header("a", before), header("b", after));
    let text = |content: Option<&ScriptContent>| match content {
        None => Some(String::new()),
        Some(content) => content.text().map(str::to_owned),
    };
    let bare = format!("--- {from}\n+++ {to}\n");
    // Against an unknown content, each line would count as new.
    let (Some(before), Some(after)) = (text(before), text(after)) else { return bare };
    let lines = TextDiff::configure().timeout(PATIENCE).diff_lines(&before, &after);
    let diff = lines.unified_diff().header(&from, &to).to_string();
    if diff.is_empty() { bare } else { diff }
}

fn cut(mut diff: String) -> String {
    if diff.len() > LONGEST_DIFF {
        let line = diff.as_bytes()[..LONGEST_DIFF].iter().rposition(|byte| *byte == b'\n');
        diff.truncate(line.map_or(0, |line| line + 1));
        diff.push_str("…\n");
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{DecisionId, Person, Revision, Terms, Unshown, Via};

    fn text(path: &str, text: &str) -> Script {
        let content = ScriptContent::Text { digest: text.into(), text: text.into() };
        Script { path: path.into(), content }
    }

    fn approved(scripts: Vec<Script>) -> Decision {
        let request = Request { scripts, ..Request::default() };
        let at = Time::UNIX_EPOCH;
        let asked = Decision::new(DecisionId(12), request, Terms::default(), at);
        let by = Person::discord(1, "Maya");
        let given = asked.resolve(Verdict::approved(), by, Via::Discord, Revision(1)).unwrap();
        asked.evolve(&given, at, 2)
    }

    #[test]
    fn each_file_that_differs_is_shown() {
        let binary = ScriptContent::Unshown { digest: "b".into(), why: Unshown::Binary };
        let earlier = approved(vec![
            text("same", "x\n"),
            text("gone", "one\n"),
            text("edited", "one\ntwo\n"),
            text("replaced", "one\n"),
        ]);
        let request = Request {
            scripts: vec![
                text("same", "x\n"),
                text("edited", "one\n2\n"),
                text("new\nname", "n"),
                Script { path: "replaced".into(), content: binary },
            ],
            ..Request::default()
        };
        let changes = since(&earlier, &request).unwrap();
        assert_eq!((changes.since, changes.by.name.as_str()), (DecisionId(12), "Maya"));
        assert_eq!(changes.files, ["edited", "gone", "new\nname", "replaced"]);
        assert_eq!(
            changes.diff,
            "--- a/edited\n+++ b/edited\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\
             --- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n\
             --- /dev/null\n+++ b/new name\n@@ -0,0 +1 @@\n+n\n\\ No newline at end of file\n\
             --- a/replaced\n+++ b/replaced (content not shown)\n"
        );
        let nothing = since(&earlier, &earlier.request).unwrap();
        assert!(nothing.files.is_empty() && nothing.diff.is_empty());
    }

    #[test]
    fn a_long_diff_is_cut_at_a_line() {
        let earlier = approved(vec![text("x", "")]);
        let long = text("x", &"a line of text\n".repeat(4_000));
        let request = Request { scripts: vec![long], ..Request::default() };
        let diff = since(&earlier, &request).unwrap().diff;
        assert!(diff.len() < LONGEST_DIFF + 10 && diff.ends_with("+a line of text\n…\n"));
    }

    #[test]
    fn what_was_not_approved_has_no_changes() {
        let at = Time::UNIX_EPOCH;
        let asked = Decision::new(DecisionId(1), Request::default(), Terms::default(), at);
        assert_eq!(since(&asked, &Request::default()), None);
        let no = Verdict::Rejected { reason: "No".into() };
        let by = Person::discord(1, "Maya");
        let given = asked.resolve(no, by, Via::Discord, Revision(1)).unwrap();
        assert_eq!(since(&asked.evolve(&given, at, 2), &Request::default()), None);
    }
}
