//! The options of programs that rules allow as readers, as far as the options are harmless: they
//! choose what is read and how it is shown.
//!
//! A reader may have options that make it do more: take the names of files from a file or from its
//! input (`sort --files0-from`), write (`sort -o`), or run programs (`rg --pre`). A list of those
//! is never complete, and an abbreviation evades it. So an option counts as harmless only if it is
//! listed here with its full name; with any other option, nobody knows what the words mean.
//! Programs without a row have no such options.

use super::super::budget::Budget;
use super::name;

/// What is known of a program.
struct Program {
    names: &'static [&'static str],
    /// The word after the program, of a program with verbs.
    verb: Option<&'static str>,
    /// Letters of options without a value. Digits: `-5`, and numbers joined to a letter (`-U3`).
    flags: &'static str,
    /// Letters of options with a value.
    valued: &'static str,
    /// Long options without their dashes; `=` follows if the next word may be the value.
    long: &'static [&'static str],
}

/// Most letters of short options in one word. Longer words are not understood.
pub const MOST_LETTERS: usize = 8;
/// Steps that reading one word takes: a long option is compared with the names in its table.
const STEPS: usize = 16;

const GREP: &str = "extended-regexp fixed-strings basic-regexp perl-regexp regexp= file= \
    ignore-case no-ignore-case invert-match word-regexp line-regexp count color colour \
    files-without-match files-with-matches max-count= only-matching quiet silent no-messages \
    byte-offset with-filename no-filename label= line-number initial-tab null null-data \
    after-context= before-context= context= no-group-separator group-separator= text \
    binary-files= devices= directories= exclude= exclude-from= exclude-dir= include= recursive \
    dereference-recursive line-buffered binary unix-byte-offsets version help";
const RIPGREP: &str = "after-context= auto-hybrid-regex no-auto-hybrid-regex before-context= \
    binary no-binary block-buffered no-block-buffered byte-offset no-byte-offset case-sensitive \
    color= colors= column no-column context= context-separator= no-context-separator count \
    count-matches crlf no-crlf dfa-size-limit= encoding= no-encoding engine= \
    field-context-separator= field-match-separator= file= files files-with-matches \
    files-without-match fixed-strings no-fixed-strings follow no-follow glob= \
    glob-case-insensitive no-glob-case-insensitive heading no-heading help hidden no-hidden \
    hyperlink-format= iglob= ignore no-ignore ignore-case ignore-dot no-ignore-dot \
    ignore-exclude no-ignore-exclude ignore-files no-ignore-files ignore-file= \
    ignore-file-case-insensitive no-ignore-file-case-insensitive ignore-global \
    no-ignore-global ignore-messages no-ignore-messages ignore-parent no-ignore-parent \
    ignore-vcs no-ignore-vcs include-zero no-include-zero invert-match no-invert-match json \
    no-json line-buffered no-line-buffered line-number no-line-number line-regexp max-columns= \
    max-columns-preview no-max-columns-preview max-count= max-depth= maxdepth= max-filesize= \
    messages no-messages mmap no-mmap multiline no-multiline multiline-dotall \
    no-multiline-dotall no-config null null-data one-file-system no-one-file-system \
    only-matching path-separator= passthru passthrough pcre2 no-pcre2 pcre2-version \
    pcre2-unicode no-pcre2-unicode pretty quiet regex-size-limit= regexp= replace= require-git \
    no-require-git search-zip no-search-zip smart-case sort= sort-files no-sort-files sortr= \
    stats no-stats stop-on-nonmatch text no-text threads= trim no-trim type= type-add= \
    type-clear= type-list type-not= unicode no-unicode unrestricted version vimgrep \
    with-filename no-filename word-regexp";
const DIFF: &str = "normal brief report-identical-files context unified ed rcs side-by-side width= \
    left-column suppress-common-lines show-c-function show-function-line= label= expand-tabs \
    initial-tab tabsize= suppress-blank-empty recursive no-dereference new-file \
    unidirectional-new-file ignore-file-name-case no-ignore-file-name-case exclude= \
    exclude-from= starting-file= ignore-case ignore-tab-expansion ignore-trailing-space \
    ignore-space-change ignore-all-space ignore-blank-lines ignore-matching-lines= text \
    strip-trailing-cr ifdef= minimal horizon-lines= speed-large-files color palette= \
    line-format= old-line-format= new-line-format= unchanged-line-format= old-group-format= \
    new-group-format= unchanged-group-format= changed-group-format= help version";
const SORT: &str = "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort \
    ignore-nonprinting month-sort human-numeric-sort numeric-sort random-sort reverse sort= \
    version-sort batch-size= check debug key= merge stable buffer-size= field-separator= \
    parallel= unique zero-terminated help version";
const DU: &str = "null all apparent-size block-size= bytes total dereference-args max-depth= \
    human-readable inodes count-links dereference no-dereference separate-dirs si summarize \
    threshold= time time-style= one-file-system exclude= help version";
const GIT_DIFF: &str = "patch no-patch unified raw patch-with-raw indent-heuristic \
    no-indent-heuristic minimal patience histogram anchored= diff-algorithm= stat \
    compact-summary numstat shortstat dirstat cumulative dirstat-by-file summary \
    patch-with-stat name-only name-status submodule color no-color color-moved no-color-moved \
    color-moved-ws no-color-moved-ws word-diff word-diff-regex= color-words no-renames \
    rename-empty no-rename-empty check ws-error-highlight= full-index binary abbrev no-abbrev \
    break-rewrites find-renames find-copies find-copies-harder irreversible-delete \
    diff-filter= find-object= pickaxe-all pickaxe-regex relative no-relative text \
    ignore-cr-at-eol ignore-space-at-eol ignore-space-change ignore-all-space \
    ignore-blank-lines ignore-matching-lines= inter-hunk-context= function-context exit-code \
    quiet no-ext-diff no-textconv ignore-submodules src-prefix= dst-prefix= no-prefix \
    default-prefix line-prefix= ita-invisible-in-index ita-visible-in-index stat-width= \
    stat-name-width= stat-graph-width= stat-count= output-indicator-new= \
    output-indicator-old= output-indicator-context= skip-to= rotate-to= cached staged \
    merge-base base ours theirs cc combined-all-paths";
const GIT_LOG: &str = "oneline pretty format abbrev-commit no-abbrev-commit encoding= expand-tabs \
    no-expand-tabs notes no-notes show-notes standard-notes no-standard-notes relative-date \
    date= parents children left-right graph no-graph show-linear-break count max-count= skip= \
    since= after= until= before= since-as-filter= author= committer= grep-reflog= grep= \
    all-match invert-grep regexp-ignore-case basic-regexp extended-regexp fixed-strings \
    perl-regexp remove-empty merges no-merges min-parents max-parents no-min-parents \
    no-max-parents first-parent exclude-first-parent-only not all branches tags remotes glob= \
    exclude= exclude-hidden= reflog alternate-refs single-worktree ignore-missing bisect \
    cherry-mark cherry-pick left-only right-only cherry walk-reflogs merge boundary \
    simplify-by-decoration show-pulls full-history dense sparse simplify-merges ancestry-path \
    no-walk do-walk date-order author-date-order topo-order reverse follow no-follow decorate \
    no-decorate decorate-refs= decorate-refs-exclude= clear-decorations source mailmap \
    no-mailmap use-mailmap no-use-mailmap full-diff log-size diff-merges no-diff-merges dd \
    remerge-diff root no-root";
const GIT_STATUS: &str = "short no-short branch no-branch show-stash no-show-stash porcelain long \
    verbose untracked-files ignore-submodules ignored column no-column ahead-behind \
    no-ahead-behind renames no-renames find-renames null";
const GIT_BLAME: &str = "root show-stats porcelain line-porcelain incremental encoding= date= \
    first-parent color-lines color-by-age score-debug show-name show-number show-email abbrev \
    ignore-rev= ignore-revs-file= progress no-progress reverse minimal";
const GIT_GREP: &str = "text ignore-case word-regexp invert-match full-name no-full-name \
    extended-regexp basic-regexp perl-regexp fixed-strings line-number column \
    files-with-matches name-only files-without-match null only-matching count color no-color \
    break heading show-function context= after-context= before-context= function-context \
    max-count= threads= and or not all-match quiet max-depth= recursive no-recursive untracked \
    exclude-standard no-exclude-standard no-textconv";
const GIT_FILES: &str = "cached deleted modified others ignored stage unmerged killed directory \
    no-directory empty-directory no-empty-directory exclude= exclude-standard error-unmatch \
    with-tree= full-name abbrev debug deduplicate eol format= resolve-undo sparse \
    recurse-submodules";

const fn git(
    verb: &'static str,
    flags: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
) -> Program {
    Program { names: &["git"], verb: Some(verb), flags, valued, long }
}

const fn plain(
    names: &'static [&'static str],
    flags: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
) -> Program {
    Program { names, verb: None, flags, valued, long }
}

const LOG_FLAGS: &str = "pusRabwWzMCDBXUcmtrgiEFPq0123456789%";

const PROGRAMS: [Program; 13] = [
    plain(
        &["grep", "egrep", "fgrep"],
        "EFGPiyvwxcLlqsobHhnTzZaIrRuUV0123456789",
        "efmABCdD",
        &[GREP],
    ),
    plain(&["rg"], ".0FHILNPSUVabchilnopqsuvwxz", "ABCEMTdefgjmrt", &[RIPGREP]),
    plain(&["diff"], "qscuenyptdbBwEZiaHNTrvP0123456789", "CULIxXWFDS", &[DIFF]),
    plain(&["sort"], "bdfghiMnRrVcCmsuz", "kSt", &[SORT]),
    plain(&["wc"], "clmwL", "", &["bytes chars lines max-line-length words total= help version"]),
    plain(&["du"], "0aAbcDhHklLmPsSxgn", "Bdt", &[DU]),
    git("log", LOG_FLAGS, "SGnLlI", &[GIT_LOG, GIT_DIFF]),
    git("show", LOG_FLAGS, "SGnLlI", &[GIT_LOG, GIT_DIFF]),
    git("diff", LOG_FLAGS, "SGlI", &[GIT_DIFF]),
    git("status", "sbvuzMnoalrm0123456789%", "", &[GIT_STATUS]),
    git("blame", "blcCtfnsepwMkh0123456789%", "L", &[GIT_BLAME]),
    git("grep", "aiIwvhHEGFPnrlLcoqzpW0123456789", "mfeABC", &[GIT_GREP]),
    git("ls-files", "cdmoiskutvfz", "x", &[GIT_FILES]),
];

/// The words of a command, by what the program takes them for.
#[derive(Debug, Default)]
pub struct Words<'a> {
    /// Words that are no options: patterns, files, revisions.
    pub operands: Vec<&'a str>,
    /// The number of operands before the word `--`, if there is one.
    pub before_end: Option<usize>,
    /// Known options, `--glob` or the letter `g`, each with its value. Empty: none.
    pub options: Vec<(&'a str, &'a str)>,
    /// Options that are not known. Beside one, the other fields are a guess.
    pub unknown: Vec<&'a str>,
}

/// Sorts the words of a command. `None`: options of this program are not judged.
#[must_use]
pub fn read<'a>(words: &'a [String], budget: &Budget) -> Option<Words<'a>> {
    let verb = words.get(1).map(String::as_str);
    let program = PROGRAMS.iter().find(|program| {
        program.names.contains(&name(words)) && (program.verb.is_none() || program.verb == verb)
    })?;
    let mut read = Words::default();
    if !budget.spend(words.len() * STEPS) {
        // Judging stops, and the call is asked.
        return None;
    }
    let skipped = 1 + usize::from(program.verb.is_some());
    let mut rest = words.iter().skip(skipped).map(String::as_str);
    while let Some(word) = rest.next() {
        if read.before_end.is_some() || word == "-" || !word.starts_with('-') {
            read.operands.push(word);
        } else if word == "--" {
            read.before_end = Some(read.operands.len());
        } else if word.starts_with("--") {
            program.long(word, &mut rest, &mut read);
        } else {
            program.letters(word, &mut rest, &mut read);
        }
    }
    Some(read)
}

impl Program {
    fn long<'a>(
        &self,
        word: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        read: &mut Words<'a>,
    ) {
        let (option, joined) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        let said = option.trim_start_matches('-');
        let mut known = self.long.iter().flat_map(|names| names.split_whitespace());
        let found = known.find(|known| known.strip_suffix('=').unwrap_or(known) == said);
        match (found, joined) {
            _ if option.len() != said.len() + 2 => read.unknown.push(word),
            (None, _) => read.unknown.push(word),
            (Some(_), Some(value)) => read.options.push((option, value)),
            (Some(known), None) if known.ends_with('=') => match rest.next() {
                Some(value) => read.options.push((option, value)),
                None => read.unknown.push(word),
            },
            (Some(_), None) => read.options.push((option, "")),
        }
    }

    fn letters<'a>(
        &self,
        word: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        read: &mut Words<'a>,
    ) {
        for (at, letter) in word.char_indices().skip(1) {
            let end = at + letter.len_utf8();
            if at > MOST_LETTERS {
                return read.unknown.push(word);
            } else if self.valued.contains(letter) {
                let joined = Some(&word[end..]).filter(|joined| !joined.is_empty());
                return match joined.or_else(|| rest.next()) {
                    Some(value) => read.options.push((&word[at..end], value)),
                    None => read.unknown.push(word),
                };
            } else if !self.flags.contains(letter) {
                return read.unknown.push(word);
            }
            read.options.push((&word[at..end], ""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(line: &str) -> Vec<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let read = read(&words, &Budget::default()).unwrap();
        read.unknown.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn only_full_names_of_harmless_options_are_known() {
        for line in [
            "sort --files0-from=x",
            "sort --files=-",
            "sort --fi=-",
            "sort -o x",
            "sort -ro/x",
            "sort --compress-program=x",
            "sort --numeric",
            "wc --files0-from x",
            "wc --files=x",
            "du --files0=x",
            "du -X x",
            "grep --rege=x y",
            "grep --label",
            "grep -e",
            "grep ---regexp=x",
            "diff --from-file=x y",
            "diff --to=x y",
            "diff -l x y",
            "rg --pre x y",
            "rg --hostname-bin=x y",
            "rg --debug x",
            "rg -nnnnnnnnnf.env",
            "git log --stdin",
            "git log --output=x",
            "git diff --no-index a b",
            "git diff --ext-diff",
            "git show --textconv",
            "git blame -S.env a",
            "git blame --contents .env a",
            "git grep -Ox y",
            "git grep --cached x",
            "git grep --recurse-submodules x",
            "git ls-files -X x",
        ] {
            assert_eq!(unknown(line).len(), 1, "{line}");
        }
        for line in [
            "sort --numeric-sort --version-sort -k2,2n -t, -ru x",
            "wc -l x",
            "du -sh --max-depth=1 .",
            "grep -rn --include=*.rs -A 3 --color=auto x y",
            "rg --pretty -n -g !x --type rust x",
            "diff -u --color a b",
            "git log --oneline -5 --graph --format=%h --since 1.week",
            "git diff --stat HEAD~1 -U3 -M90%",
            "git show HEAD --name-only",
            "git status -sb --porcelain=v2 -uno",
            "git ls-files --others --exclude-standard",
            "git blame -L 1,5 a -w",
            "git grep -n x -- --weird",
        ] {
            assert_eq!(unknown(line), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn values_are_told_from_operands() {
        for (line, operands) in [
            ("diff -N -r -d zz src", vec!["zz", "src"]),
            ("grep -rnA3 x y", vec!["x", "y"]),
            ("grep -r --label --exclude=.env x .", vec!["x", "."]),
            ("rg -nf.env x", vec!["x"]),
            ("git log -S x -- y", vec!["y"]),
            ("sort -k 2 x", vec!["x"]),
            ("grep x -- -r", vec!["x", "-r"]),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(read(&words, &Budget::default()).unwrap().operands, operands, "{line}");
        }
        let tail = ["tail".to_owned(), "--files0-from=x".to_owned()];
        assert!(read(&tail, &Budget::default()).is_none());
    }
}
