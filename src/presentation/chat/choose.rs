//! `choose Postgres for 17`: an option by its full name, and a decision by number or words.

use super::decide::Command;
use super::subject::option_key;
use super::target::TargetMatch;
use super::words::text_of;
use super::{Ambiguity, ChatAction, ChatRequest, Interpretation, MissingPart};
use crate::core::decision::DecisionId;

/// Words between an option and a decision.
const BETWEEN: [&str; 5] = ["for", "on", "in", "to", "as"];

/// Name of an option as spelled by the agent, and the decision with this option.
type Hit = (String, DecisionId);

impl Command<'_, '_, '_> {
    pub(crate) fn choose(&self) -> Interpretation {
        let words = &self.object;
        let mut last = None;
        // An option's name may contain "for": try every position.
        for index in (1..words.len().saturating_sub(1)).filter(|index| words[*index].is(&BETWEEN)) {
            let (option, target) =
                (text_of(self.phrase.text, &words[..index]), &words[index + 1..]);
            let found = self.phrase.known.find(target, self.act);
            let hits = self.offering(&option, |id| is_in(&found, id));
            if !hits.is_empty() {
                let why = self.reluctance_in(target);
                return why.map_or_else(
                    || self.chosen(option, &hits, found),
                    |why| self.phrase.not_decided(why),
                );
            }
            last = Some((option, target, found));
        }
        let hits = self.offering(&text_of(self.phrase.text, words), |id| self.is_open(id));
        if let Some((option, _)) = hits.first() {
            let candidates =
                hits.iter().filter(|(other, _)| other == option).map(|(_, id)| *id).collect();
            let wish = ChatRequest::Decide(ChatAction::Choose { option: option.clone() });
            return Interpretation::Ambiguous { wish, candidates, ambiguity: Ambiguity::Unnamed };
        }
        let doubtful = last.as_ref().map_or(words.as_slice(), |(_, target, _)| target);
        if let Some(why) = self.reluctance_in(doubtful) {
            return self.phrase.not_decided(why);
        }
        match last {
            Some((option, _, found)) => {
                self.missing(found, MissingPart::Option { given: Some(option) })
            }
            None => self.missing(
                self.phrase.known.find(words, self.act),
                MissingPart::Option { given: None },
            ),
        }
    }

    fn chosen(&self, given: String, hits: &[Hit], found: TargetMatch) -> Interpretation {
        let twice = hits
            .iter()
            .enumerate()
            .any(|(index, (_, id))| hits[..index].iter().any(|(_, other)| other == id));
        if twice {
            // A decision has two options that differ only in case.
            return self.missing(found, MissingPart::Option { given: Some(given) });
        }
        let option = hits[0].0.clone();
        let candidates: Vec<DecisionId> =
            hits.iter().filter(|(other, _)| *other == option).map(|(_, id)| *id).collect();
        let found = match (found, hits) {
            // Several decisions match the words, but only a single decision offers the option.
            (TargetMatch::One(_) | TargetMatch::Unsure(_, Ambiguity::SeveralFit), [(_, id)]) => {
                TargetMatch::One(*id)
            }
            (TargetMatch::Unsure(_, ambiguity), _) => TargetMatch::Unsure(candidates, ambiguity),
            (found, _) => found,
        };
        self.conclude(found, ChatAction::Choose { option })
    }

    /// Decisions that offer an option with exactly this name.
    fn offering(&self, option: &str, among: impl Fn(DecisionId) -> bool) -> Vec<Hit> {
        let key = option_key(option);
        let subjects = self
            .phrase
            .known
            .iter()
            .map(|(subject, _)| subject)
            .filter(|subject| among(subject.id));
        let offers = subjects
            .flat_map(|subject| subject.options.iter().map(move |name| (name.clone(), subject.id)));
        offers.filter(|(name, _)| !key.is_empty() && option_key(name) == key).collect()
    }

    fn is_open(&self, id: DecisionId) -> bool {
        self.phrase.known.get(id).is_some_and(|subject| subject.openness.is_open())
    }
}

fn is_in(found: &TargetMatch, id: DecisionId) -> bool {
    match found {
        TargetMatch::One(one) => *one == id,
        TargetMatch::Unsure(ids, _) => ids.contains(&id),
        TargetMatch::Several(_) | TargetMatch::Nothing { .. } | TargetMatch::Unnamed => false,
    }
}
