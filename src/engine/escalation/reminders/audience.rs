//! Finds the known approvers of a decision, and their availability.
//!
//! Listing a server's members needs a privileged intent. Without this intent, role holders are
//! reached by mentioning the role; by name only if configured, or if they have ever acted.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Later, Reminders};
use crate::core::decision::authorization::{Approvers, Voter, may_decide};
use crate::core::decision::{Decision, Person};
use crate::core::escalation::{Channel, ExternalChannel};
use crate::core::messaging::reminder::{Approver, Audience};
use crate::core::policy::rules::Rules;
use crate::core::policy::rules::enforced;

impl Reminders {
    /// All approvers of a decision, with the details needed by an escalation step using these
    /// channels.
    pub(super) async fn audience(
        &self,
        decision: &Decision,
        by: &[Channel],
    ) -> Result<Audience, Later> {
        let rules = self.handle.rules();
        let decision = &enforced(&rules, decision);
        let who = self.handle.approvers().who_may(decision);
        // Machines are notified whoever the approvers are.
        let means_people = by.iter().any(|channel| channel.reaches_people());
        let people =
            if means_people { self.people(&rules, decision, &who).await? } else { Vec::new() };
        let roles = who.roles.iter().flat_map(|named| self.directory.roles(named)).collect();
        let channel = self.directory.channel(&decision.request.project);
        Ok(Audience {
            people,
            roles,
            machines: rules.channels.machines_for(&decision.request.project),
            no_here: channel.ok().and_then(|channel| self.directory.no_here(&channel)),
        })
    }

    async fn people(
        &self,
        rules: &Rules,
        decision: &Decision,
        who: &Approvers,
    ) -> Result<Vec<Approver>, Later> {
        let known = self.handle.availability().known_people().await?;
        let mut candidates: Vec<u64> = who.users.clone();
        candidates.extend(self.directory.owner().filter(|_| who.owner));
        if !who.roles.is_empty() {
            candidates.extend(
                known.iter().map(|(user, _)| *user).filter(|user| !who.users.contains(user)),
            );
        }
        let mut voters = self.voters(&candidates).await;
        let mut people = Vec::new();
        for user in candidates {
            let named = || {
                known
                    .iter()
                    .find(|(known, _)| *known == user)
                    .map_or_else(|| user.to_string(), |(_, name)| name.clone())
            };
            let owner = who.owner && self.directory.owner() == Some(user);
            let voter = match voters.remove(&user) {
                Some(Ok(Some(voter))) => voter,
                // Try to reach a named person even after they left the server: the failure must
                // become visible. While the surface cannot identify people, reach named people over
                // other channels.
                Some(Ok(None)) if who.users.contains(&user) => bare(user, &named(), false),
                Some(Err(_)) | None if owner || who.users.contains(&user) => {
                    bare(user, &named(), owner)
                }
                _ => continue,
            };
            if may_decide(&rules.approvers, decision, &voter).is_ok() {
                people.push(self.approver(user, &voter.person.name).await?);
            }
        }
        Ok(people)
    }

    /// Looks up users concurrently, so an unresponsive surface costs one time-out in all.
    async fn voters(&self, users: &[u64]) -> HashMap<u64, Result<Option<Voter>, String>> {
        let mut asking = JoinSet::new();
        for user in users.iter().copied() {
            let directory = Arc::clone(&self.directory);
            asking.spawn(async move { (user, directory.voter(user).await) });
        }
        let mut found = HashMap::new();
        while let Some(asked) = asking.join_next().await {
            let Ok((user, voter)) = asked else { continue };
            if let Err(why) = &voter {
                tracing::warn!(
                    user,
                    why,
                    "could not check whether a person may decide; \
                     reminding them if a rule names them"
                );
            }
            found.insert(user, voter);
        }
        found
    }

    async fn approver(&self, user: u64, name: &str) -> Result<Approver, Later> {
        let somebody = self.handle.availability().person_status(user, name).await?;
        let rules = self.handle.rules();
        let has_address = |channel: &ExternalChannel| {
            rules.channels.address(*channel, &somebody.profile).is_some()
        };
        Ok(Approver {
            user,
            name: somebody.profile.name.clone(),
            availability: somebody.availability(self.handle.now()),
            channels: ExternalChannel::ALL.into_iter().filter(has_address).collect(),
        })
    }
}

/// A person known only by id and name.
fn bare(user: u64, name: &str, owner: bool) -> Voter {
    Voter { person: Person::discord(user, name), roles: Vec::new(), owner }
}
