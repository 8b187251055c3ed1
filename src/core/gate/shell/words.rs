//! Reads the words of a shell script: quotes, escapes and expansions. Commands in expansions are
//! read as lists.

use super::reader::{Close, Reader, Word};

/// The mark that a command's output leaves in a word.
const OUTPUT: &str = "$()";

impl Reader<'_> {
    /// Reads a word; empty at a character that starts no word.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word { bare: true, ..Word::default() };
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | ')' => break,
                '(' if self.takes_parenthesis(&word) => self.parenthesis(&mut word),
                '(' => break,
                '\\' => {
                    word.bare = false;
                    self.next();
                    match self.next() {
                        Some('\n') => {}
                        Some(c) => self.letter(c, &mut word),
                        None => self.not_understood(),
                    }
                }
                '\'' => {
                    self.next();
                    self.single_quoted(&mut word);
                }
                '"' => {
                    self.next();
                    self.double_quoted(&mut word);
                }
                '$' => self.dollar(&mut word, false),
                '`' => self.backquoted(&mut word),
                '*' | '?' | '[' | '{' | '}' => {
                    self.vary(&mut word);
                    self.next();
                    word.text.push(c);
                }
                c => {
                    // A terminal or another shell may interpret the character differently.
                    if c.is_control() || c.is_whitespace() {
                        self.varies();
                    }
                    self.next();
                    self.letter(c, &mut word);
                }
            }
        }
        word
    }

    fn vary(&mut self, word: &mut Word) {
        self.varies();
        word.varies = true;
    }

    fn letter(&mut self, c: char, word: &mut Word) {
        if c == '\0' {
            self.varies();
        }
        word.text.push(c);
    }

    /// Whether a parenthesis continues the word: of a glob pattern, or of an array.
    fn takes_parenthesis(&self, word: &Word) -> bool {
        let array = word.text.ends_with('=') && super::is_assignment(&word.text);
        word.bare && (array || word.text.ends_with(['?', '*', '+', '@', '!']))
    }

    fn parenthesis(&mut self, word: &mut Word) {
        self.vary(word);
        self.next();
        let mut depth = 1_u32;
        while let Some(c) = self.peek() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => _ = self.next(),
                '\'' | '"' | '$' | '`' => {
                    let part = self.quoted_part(c);
                    word.text.push_str(&part);
                    continue;
                }
                _ => {}
            }
            self.next();
            if depth == 0 {
                return;
            }
            // The parts of an array are words of their own.
            word.text.push(if c == '\n' { ' ' } else { c });
        }
        self.not_understood();
    }

    /// Reads one quoted part or expansion; returns its text.
    fn quoted_part(&mut self, c: char) -> String {
        let mut part = Word::default();
        match c {
            '\'' => {
                self.next();
                self.single_quoted(&mut part);
            }
            '"' => {
                self.next();
                self.double_quoted(&mut part);
            }
            '`' => self.backquoted(&mut part),
            _ => self.dollar(&mut part, false),
        }
        part.text
    }

    fn single_quoted(&mut self, word: &mut Word) {
        word.bare = false;
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => self.letter(c, word),
                None => return self.not_understood(),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.bare = false;
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return;
                }
                Some('\\') => {
                    self.next();
                    match self.next() {
                        Some('\n') => {}
                        Some(c @ ('"' | '\\' | '$' | '`')) => self.letter(c, word),
                        Some(c) => {
                            word.text.push('\\');
                            self.letter(c, word);
                        }
                        None => self.not_understood(),
                    }
                }
                Some('$') => self.dollar(word, true),
                Some('`') => self.backquoted(word),
                Some(c) => {
                    self.next();
                    self.letter(c, word);
                }
                None => return self.not_understood(),
            }
        }
    }

    /// Reads the expansions of a heredoc's body.
    pub(super) fn expansions(&mut self) {
        let mut word = Word::default();
        while let Some(c) = self.peek() {
            match c {
                '$' => self.dollar(&mut word, true),
                '`' => self.backquoted(&mut word),
                c => {
                    self.next();
                    if c == '\\' {
                        self.next();
                    }
                }
            }
        }
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool) {
        self.vary(word);
        self.next();
        match self.peek() {
            Some('(') => {
                if self.ahead(1) == Some('(') && self.arithmetic(1, ')') {
                    word.text.push('0');
                } else {
                    self.next();
                    self.substitution(Close::Parenthesis);
                    word.text.push_str(OUTPUT);
                }
            }
            Some('[') if self.arithmetic(0, ']') => word.text.push('0'),
            Some('{') => {
                self.next();
                if self.deeper() {
                    self.parameter(word, quoted);
                    self.depth -= 1;
                }
            }
            Some('\'') if !quoted => {
                self.next();
                self.ansi_quoted(word);
            }
            Some('"') if !quoted => {
                self.next();
                self.double_quoted(word);
            }
            _ => {
                let start = self.at;
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.next();
                }
                let name: String = self.chars[start.min(self.at)..self.at].iter().collect();
                variable(&name, word, quoted);
            }
        }
    }

    /// Reads an arithmetic expression, of which `opened` characters come before the last opening
    /// bracket. `false`, and nothing consumed, if the text is no arithmetic expression.
    pub(super) fn arithmetic(&mut self, opened: usize, close: char) -> bool {
        let start = self.at + opened;
        let Some(end) = self.partner(start) else { return false };
        let last = if close == ')' { end + 1 } else { end };
        if self.chars.get(last) != Some(&close) {
            return false;
        }
        let inner = self.chars[(start + 1).min(end)..end].to_vec();
        self.within(inner, Self::expansions);
        self.at = last + 1;
        true
    }

    /// The bracket that closes the bracket at this position. Quotes do not count.
    fn partner(&mut self, open: usize) -> Option<usize> {
        if self.partners.is_empty() {
            self.partners = vec![None; self.chars.len()];
            let mut opened: [Vec<usize>; 2] = Default::default();
            let mut at = 0;
            while at < self.chars.len() && self.budget.spend(1) {
                match self.chars[at] {
                    '\\' => at += 1,
                    '(' => opened[0].push(at),
                    '[' => opened[1].push(at),
                    c @ (')' | ']') => {
                        let opened = if c == ')' { &mut opened[0] } else { &mut opened[1] };
                        if let Some(open) = opened.pop() {
                            self.partners[open] = Some(at);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        self.partners.get(open).copied().flatten()
    }

    /// Reads `${…}` after the bracket. The text of a default value stands for the parameter.
    fn parameter(&mut self, word: &mut Word, quoted: bool) {
        let mut inner = Word::default();
        let mut name_ends = None;
        loop {
            let Some(c) = self.peek() else { return self.not_understood() };
            match c {
                '}' => {
                    self.next();
                    break;
                }
                '\\' => {
                    self.next();
                    inner.text.extend(self.next());
                }
                '\'' if !quoted => {
                    self.next();
                    self.single_quoted(&mut inner);
                }
                '"' => {
                    self.next();
                    self.double_quoted(&mut inner);
                }
                '$' => self.dollar(&mut inner, quoted),
                '`' => self.backquoted(&mut inner),
                c => {
                    self.next();
                    let names = c.is_ascii_alphanumeric() || "_!#@*".contains(c);
                    if name_ends.is_none() && !names {
                        name_ends = Some(inner.text.len());
                    }
                    inner.text.push(c);
                }
            }
        }
        let (name, rest) = inner.text.split_at(name_ends.unwrap_or(inner.text.len()));
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        match rest.strip_prefix(['-', '=', '+', '?']) {
            Some(default) => word.text.push_str(default),
            None => variable(name, word, quoted),
        }
    }

    fn backquoted(&mut self, word: &mut Word) {
        self.vary(word);
        self.next();
        let mut inner = Vec::new();
        loop {
            match self.next() {
                Some('`') => break,
                Some('\\') => match self.next() {
                    Some(c @ ('`' | '\\' | '$')) => inner.push(c),
                    Some(c) => inner.extend(['\\', c]),
                    None => return self.not_understood(),
                },
                Some(c) => inner.push(c),
                None => return self.not_understood(),
            }
        }
        self.within(inner, |reader| reader.substitution(Close::Text));
        word.text.push_str(OUTPUT);
    }

    /// Reads `$'…'`, in which escapes spell characters.
    fn ansi_quoted(&mut self, word: &mut Word) {
        word.bare = false;
        loop {
            match self.next() {
                Some('\'') => return,
                Some('\\') => match self.next() {
                    Some('x') => self.code(16, 2, word),
                    Some('u') => self.code(16, 4, word),
                    Some('U') => self.code(16, 8, word),
                    Some(c @ '0'..='7') => {
                        self.at -= 1;
                        self.code(8, if c == '0' { 4 } else { 3 }, word);
                    }
                    Some('n' | 'r' | 'f' | 'v') => word.text.push('\n'),
                    Some('t') => word.text.push('\t'),
                    Some('a' | 'b' | 'e' | 'E' | 'c') => word.text.push('\u{1b}'),
                    Some(c) => word.text.push(c),
                    None => return self.not_understood(),
                },
                Some(c) => self.letter(c, word),
                None => return self.not_understood(),
            }
        }
    }

    fn code(&mut self, base: u32, most: usize, word: &mut Word) {
        let mut value = 0_u32;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(base)) else { break };
            self.next();
            value = value.saturating_mul(base).saturating_add(digit);
        }
        word.text.extend(char::from_u32(value));
    }
}

/// Adds a variable to a word: known values as values, others by name.
fn variable(name: &str, word: &mut Word, quoted: bool) {
    match name {
        "HOME" if word.text.is_empty() => word.text.push('~'),
        "IFS" if !quoted => {
            word.text.push(' ');
            word.splits = true;
        }
        name => {
            word.text.push('$');
            word.text.push_str(name);
        }
    }
}
