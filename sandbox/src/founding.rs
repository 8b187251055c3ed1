//! Builds the realm that a world describes, and refuses a world that contradicts itself.

use std::collections::HashSet;

use crate::clock::Clock;
use crate::error::WorldError;
use crate::model::{
    About, Application, Channel, Guild, GuildPlace, Member, Overwrite, OverwriteOf, Place,
    Presence, Realm, Role, User,
};
use crate::options::Options;
use crate::permissions;
use crate::snowflake::{self, Snowflake};
use crate::world::{
    BotAccess, BotSpec, ChannelSpec, GuildSpec, MemberSpec, RoleSpec, Subject, UserSpec, World,
};

/// Colours of Discord's palette, given to the roles in turn.
const PALETTE: [u32; 5] = [0x34_98_db, 0x2e_cc_71, 0xe9_1e_63, 0xf1_c4_0f, 0x9b_59_b6];

pub(crate) type Built<T> = Result<T, WorldError>;

pub(crate) fn refuse<T>(why: String) -> Built<T> {
    Err(WorldError(why))
}

impl Realm {
    /// Builds the realm that the options describe.
    pub(crate) fn build(options: &Options) -> Built<Self> {
        let world = &options.world;
        check_names(world)?;
        let clock = Clock::default();
        let home_id = clock.next_id();
        let bots = bots(options);
        let mut realm = Self {
            people: people(world, &clock),
            applications: Vec::new(),
            guilds: Vec::new(),
            channels: Vec::new(),
            webhooks: Vec::new(),
            audit: Vec::new(),
            clock,
        };
        for bot in &bots {
            let application = realm.application_of(world, bot)?;
            realm.applications.push(application);
        }
        let guilds = guilds(world);
        for (index, guild) in guilds.iter().enumerate() {
            let id = if index == 0 { home_id } else { realm.clock.next_id() };
            realm.found(id, guild, &bots)?;
        }
        check_tokens(&realm)?;
        realm.open_dms();
        Ok(realm)
    }

    fn application_of(&self, world: &World, spec: &BotSpec) -> Built<Application> {
        let owner = match &spec.owner {
            Some(name) => self.person(name),
            None => self.people.first(),
        };
        let Some(owner) = owner else {
            return refuse(format!("the owner of the bot {} is no user", spec.name));
        };
        let known = |name: &&String| {
            **name == world.guild || world.more_guilds.iter().any(|guild| guild.name == **name)
        };
        if let Some(stray) = spec.guilds.iter().find(|name| !known(name)) {
            return refuse(format!("the bot {} is in {stray}, which is no guild", spec.name));
        }
        let id = self.clock.next_id();
        Ok(Application {
            token: spec.token.clone().unwrap_or_else(|| snowflake::bot_token(id)),
            bot: User {
                id,
                name: spec.name.clone(),
                display_name: spec.name.clone(),
                bot: true,
                hue: hue_of(&spec.name),
                presence: Presence::online(),
                dms_closed: false,
            },
            owner: owner.id,
            public: spec.public,
            privileged_intents: spec.privileged_intents,
            endpoint: spec.interactions_endpoint_url.clone(),
            commands: Vec::new(),
        })
    }

    /// Adds a guild with everything in it.
    fn found(&mut self, id: Snowflake, spec: &GuildSpec, bots: &[BotSpec]) -> Built<()> {
        let Some(owner) = self.person(&spec.owner) else {
            return refuse(format!("the owner of {} is no user", spec.name));
        };
        let (owner, founded) = (owner.id, self.clock.now());
        let mut guild = Guild {
            id,
            name: spec.name.clone(),
            owner,
            founded,
            roles: self.roles(id, spec, bots)?,
            members: Vec::new(),
            bans: Vec::new(),
            order: Vec::new(),
        };
        guild.members = self.members(&guild, spec, bots)?;
        for channel in &spec.channels {
            let place = self.text_channel(&guild, channel)?;
            let channel = Channel::new(self.clock.next_id(), place);
            guild.order.push(channel.id);
            self.channels.push(channel);
        }
        self.guilds.push(guild);
        Ok(())
    }

    /// `@everyone`, the managed roles of the bots and those of the world.
    fn roles(&self, guild: Snowflake, spec: &GuildSpec, bots: &[BotSpec]) -> Built<Vec<Role>> {
        let mut roles = vec![everyone(guild)];
        for (bot, application) in bots.iter().zip(&self.applications) {
            if bot.guilds.contains(&spec.name) {
                roles.push(self.managed_role(&application.bot));
            }
        }
        for (index, role) in spec.roles.iter().enumerate() {
            let role = self.role_of(role, index)?;
            if role.name == "@everyone" {
                roles[0].permissions = role.permissions;
            } else {
                roles.push(role);
            }
        }
        Ok(roles)
    }

    /// A role that people can hold, by its number among those of its guild.
    pub(crate) fn role_of(&self, spec: &RoleSpec, index: usize) -> Built<Role> {
        check_bits(spec.permissions, || format!("the role {}", spec.name))?;
        Ok(Role {
            id: self.clock.next_id(),
            name: spec.name.clone(),
            color: spec.color.unwrap_or(PALETTE[index % PALETTE.len()]),
            permissions: spec.permissions,
            hoist: false,
            mentionable: true,
            bot: None,
        })
    }

    /// The role that a bot has in a guild from joining it.
    pub(crate) fn managed_role(&self, bot: &User) -> Role {
        Role {
            id: self.clock.next_id(),
            name: bot.name.clone(),
            color: 0,
            permissions: permissions::BOT_ROLE,
            hoist: false,
            mentionable: false,
            bot: Some(bot.id),
        }
    }

    fn members(&self, guild: &Guild, spec: &GuildSpec, bots: &[BotSpec]) -> Built<Vec<Member>> {
        let mut members = Vec::new();
        let listed = spec.members.iter().any(|member| member.user == spec.owner);
        if !listed {
            members.push(Member::new(guild.owner, guild.founded));
        }
        for member in &spec.members {
            members.push(self.member(guild, member)?);
        }
        for (bot, application) in bots.iter().zip(&self.applications) {
            if bot.guilds.contains(&spec.name) {
                let own = guild.roles.iter().filter(|role| role.bot == Some(application.id()));
                members.push(Member {
                    roles: own.map(|role| role.id).collect(),
                    ..Member::new(application.id(), guild.founded)
                });
            }
        }
        Ok(members)
    }

    pub(crate) fn member(&self, guild: &Guild, spec: &MemberSpec) -> Built<Member> {
        let Some(person) = self.person(&spec.user) else {
            return refuse(format!("the member {} of {} is no user", spec.user, guild.name));
        };
        let mut roles = Vec::new();
        for name in &spec.roles {
            let role =
                guild.roles.iter().skip(1).find(|role| role.bot.is_none() && role.name == *name);
            let Some(role) = role else {
                return refuse(format!(
                    "{} holds the role {name}, which does not exist in {}",
                    spec.user, guild.name
                ));
            };
            roles.push(role.id);
        }
        let nick = spec.nick.clone();
        Ok(Member { nick, roles, ..Member::new(person.id, guild.founded) })
    }

    pub(crate) fn text_channel(&self, guild: &Guild, channel: &ChannelSpec) -> Built<Place> {
        let first = self.first_application();
        let mut overwrites: Vec<Overwrite> =
            channel.bot.overwrite(first.id()).into_iter().collect();
        if channel.bot != BotAccess::Full && !guild.has(first.id()) {
            return refuse(format!("the bot is not in {}, which limits it", guild.name));
        }
        for overwrite in &channel.overwrites {
            check_bits(overwrite.allow | overwrite.deny, || format!("#{}", channel.name))?;
            let of = match &overwrite.of {
                Subject::Role(name) => {
                    guild.role_named(name).map(|role| OverwriteOf::Role(role.id))
                }
                Subject::Member(name) => self
                    .user_named(name)
                    .filter(|user| guild.has(user.id))
                    .map(|user| OverwriteOf::Member(user.id)),
            };
            let Some(of) = of else {
                return refuse(format!(
                    "an overwrite of #{} concerns {:?}, who is not in {}",
                    channel.name, overwrite.of, guild.name
                ));
            };
            if overwrites.iter().any(|other| other.of == of) {
                return refuse(format!(
                    "#{} has two overwrites for {:?}",
                    channel.name, overwrite.of
                ));
            }
            if overwrite.allow & overwrite.deny != 0 {
                return refuse(format!(
                    "an overwrite of #{} allows and denies the same",
                    channel.name
                ));
            }
            overwrites.push(Overwrite { of, allow: overwrite.allow, deny: overwrite.deny });
        }
        let at =
            GuildPlace { guild: guild.id, name: channel.name.clone(), parent: None, overwrites };
        let about = About { topic: channel.topic.clone(), ..About::default() };
        Ok(Place::Text { at, about })
    }
}

/// `@everyone` of a guild.
pub(crate) fn everyone(guild: Snowflake) -> Role {
    Role {
        id: guild,
        name: "@everyone".to_owned(),
        color: 0,
        permissions: permissions::EVERYONE,
        hoist: false,
        mentionable: false,
        bot: None,
    }
}

/// The first bot, which the options configure, and the further ones.
fn bots(options: &Options) -> Vec<BotSpec> {
    let world = &options.world;
    let further = world.more_guilds.iter().filter(|guild| guild.bot);
    let first = BotSpec {
        name: world.bot.clone(),
        guilds: [&world.guild]
            .into_iter()
            .chain(further.map(|guild| &guild.name))
            .cloned()
            .collect(),
        privileged_intents: options.privileged_intents,
        token: options.token.clone(),
        owner: None,
        public: false,
        interactions_endpoint_url: options.interactions_endpoint_url.clone(),
    };
    [first].into_iter().chain(world.more_bots.iter().cloned()).collect()
}

/// The first guild and the further ones.
fn guilds(world: &World) -> Vec<GuildSpec> {
    let members = world.users.iter().filter(|user| user.member).map(UserSpec::as_member);
    let first = GuildSpec {
        name: world.guild.clone(),
        owner: world.users.first().map(|owner| owner.name.clone()).unwrap_or_default(),
        roles: world.roles.clone(),
        members: members.collect(),
        channels: world.channels.clone(),
        bot: true,
    };
    [first].into_iter().chain(world.more_guilds.iter().cloned()).collect()
}

fn people(world: &World, clock: &Clock) -> Vec<User> {
    world.users.iter().map(|spec| person(spec, clock)).collect()
}

/// A person's account.
pub(crate) fn person(spec: &UserSpec, clock: &Clock) -> User {
    User {
        id: clock.next_id(),
        name: spec.name.clone(),
        display_name: spec.display_name.clone(),
        bot: false,
        hue: spec.hue.unwrap_or_else(|| hue_of(&spec.name)),
        presence: Presence::online(),
        dms_closed: false,
    }
}

/// Refuses names that stand for two things, and roles of people that do not exist.
fn check_names(world: &World) -> Built<()> {
    if !world.users.first().is_some_and(|owner| owner.member) {
        return refuse("the first user owns the server and must be a member of it".to_owned());
    }
    let bots = world.more_bots.iter().map(|bot| &bot.name);
    let names = world.users.iter().map(|user| &user.name);
    if let Some(name) = duplicate(names.chain([&world.bot]).chain(bots)) {
        return refuse(format!("two accounts are named {name}"));
    }
    let guilds = world.more_guilds.iter().map(|guild| &guild.name);
    if let Some(name) = duplicate([&world.guild].into_iter().chain(guilds)) {
        return refuse(format!("two guilds are named {name}"));
    }
    check_guild_names(&world.channels, &world.roles, &[])?;
    for guild in &world.more_guilds {
        check_guild_names(&guild.channels, &guild.roles, &guild.members)?;
    }
    let mut held = world.users.iter().flat_map(|user| &user.roles);
    match held.find(|held| !world.roles.iter().any(|role| role.name == **held)) {
        Some(role) => refuse(format!("a user holds the role {role}, which does not exist")),
        None => Ok(()),
    }
}

fn check_guild_names(
    channels: &[ChannelSpec],
    roles: &[RoleSpec],
    members: &[MemberSpec],
) -> Built<()> {
    if let Some(name) = duplicate(channels.iter().map(|channel| &channel.name)) {
        return refuse(format!("two channels are named {name}"));
    }
    if let Some(name) = duplicate(roles.iter().map(|role| &role.name)) {
        return refuse(format!("two roles are named {name}"));
    }
    match duplicate(members.iter().map(|member| &member.user)) {
        Some(name) => refuse(format!("{name} is a member twice")),
        None => Ok(()),
    }
}

fn check_tokens(realm: &Realm) -> Built<()> {
    if realm.applications.iter().any(|application| application.token.is_empty()) {
        return refuse("a bot's token is empty".to_owned());
    }
    match duplicate(realm.applications.iter().map(|application| &application.token)) {
        Some(_) => refuse("two bots have one token".to_owned()),
        None => Ok(()),
    }
}

fn check_bits(bits: u64, of: impl FnOnce() -> String) -> Built<()> {
    if bits & !permissions::ALL == 0 {
        return Ok(());
    }
    refuse(format!("{} has permission bits that Discord does not have", of()))
}

fn duplicate<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    names.map(String::as_str).find(|name| !seen.insert(*name))
}

/// A hue for an avatar, always the same for a name.
fn hue_of(name: &str) -> u16 {
    name.bytes().fold(7, |hue: u16, byte| (hue * 31 + u16::from(byte)) % 360)
}
