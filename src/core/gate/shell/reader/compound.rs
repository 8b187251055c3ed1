//! Reads compound commands: `case … in … esac` and `[[ … ]]`.

use super::*;

impl<'a> Reader<'a> {
    pub(super) fn case_word(&mut self) {
        self.open(Frame::Case);
        self.blanks();
        self.word();
        self.blank_lines();
        if self.word().text == "in" {
            self.case_pattern();
        } else {
            self.not_understood();
        }
    }

    /// Reads the patterns of a branch of `case`, or the end of `case`.
    pub(super) fn case_pattern(&mut self) {
        self.blank_lines();
        let opened = self.eat('(');
        loop {
            self.blanks();
            let before = self.at;
            match self.peek() {
                Some('|') => _ = self.next(),
                Some(')') => {
                    self.next();
                    return;
                }
                Some(c) if !"\n;&<>(".contains(c) => {
                    let word = self.word();
                    if word.bare && word.text == "esac" && !opened {
                        self.at = before;
                        return;
                    }
                }
                _ => return self.not_understood(),
            }
        }
    }

    /// Reads `[[ … ]]`, in which operators are words.
    pub(super) fn condition(&mut self) {
        self.started = true;
        self.push(Word { text: "[[".into(), bare: true, ..Word::default() });
        loop {
            self.blank_lines();
            match self.peek() {
                None => return self.not_understood(),
                Some('<' | '>' | '&' | '|' | '(' | ')' | ';') => _ = self.next(),
                Some(_) => {
                    let word = self.word();
                    let ends = word.bare && word.text == "]]";
                    self.push(word);
                    if ends {
                        return;
                    }
                }
            }
        }
    }
}
