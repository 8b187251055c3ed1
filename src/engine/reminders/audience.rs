//! Who may decide a decision, as far as they are known, and whether they can be reached.
//!
//! Listing a server's members needs a privileged intent: holders of a role are reached by mentioning it, and by name only if
//! the configuration knows them or they have ever acted.

use super::{Later, Reminders};
use crate::core::decision::Decision;
use crate::core::outgoing;
use crate::core::permission::{Voter, may_decide};
use crate::core::remind::{Approver, Audience};
use crate::engine::enforced;

impl Reminders {
    pub(super) async fn audience(&self, decision: &Decision) -> Result<Audience, Later> {
        let rules = self.handle.rules();
        let decision = &enforced(&rules, decision);
        let who = self.handle.who_may(decision);
        let known = self.handle.known_people().await?;
        let mut candidates: Vec<u64> = who.users.clone();
        candidates.extend(self.directory.owner().filter(|_| who.owner));
        if !who.roles.is_empty() {
            candidates.extend(known.iter().map(|(user, _)| *user).filter(|user| !who.users.contains(user)));
        }
        let mut people = Vec::new();
        for user in candidates {
            let named =
                || known.iter().find(|(known, _)| *known == user).map_or_else(|| user.to_string(), |(_, name)| name.clone());
            // Somebody who is named and has left the server is tried all the same: that they cannot be reached shall be seen.
            let voter = match self.directory.voter(user).await.map_err(Later::Unknown)? {
                Some(voter) => voter,
                None if who.users.contains(&user) => {
                    Voter { person: crate::core::decision::Person::discord(user, named()), roles: Vec::new(), owner: false }
                }
                None => continue,
            };
            if may_decide(&rules.approvers, decision, &voter).is_ok() {
                people.push(self.approver(user, &voter.person.name).await?);
            }
        }
        let roles = who.roles.iter().flat_map(|named| self.directory.roles(named)).collect();
        let channel = self.directory.channel(&decision.request.project);
        Ok(Audience {
            people,
            roles,
            machines: rules.ways.of_nobody(&decision.request.project),
            no_here: channel.ok().and_then(|channel| self.directory.no_here(&channel)),
        })
    }

    async fn approver(&self, user: u64, name: &str) -> Result<Approver, Later> {
        let somebody = self.handle.somebody(user, name).await?;
        let rules = self.handle.rules();
        let address = |way: &outgoing::Way| rules.ways.of_person(*way, &somebody.profile).is_some();
        Ok(Approver {
            user,
            name: somebody.profile.name.clone(),
            availability: somebody.availability(self.handle.now()),
            ways: outgoing::Way::ALL.into_iter().filter(address).collect(),
        })
    }
}
