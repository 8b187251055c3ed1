//! What the recorded states show, against the sandbox itself: a bot posts, a person acts on the
//! page, and both see what comes of it. At a desk and on a phone, in both themes.

use discord_sandbox::{Options, RateLimits, Sandbox};
use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answering, Rest, channel, register, start, text};

/// The permission to do everything.
const ADMINISTRATOR: u64 = 1 << 3;
/// A message of components and no content.
const COMPONENTS: u64 = 1 << 15;

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_the_server_at_a_desk() {
    a_day_on_the_server(DESKTOP, "dark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_the_server_on_a_phone() {
    a_day_on_the_server(PHONE, "dark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_the_server_in_the_light_theme() {
    a_day_on_the_server(DESKTOP, "light").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_the_server_on_a_phone_in_the_light_theme() {
    a_day_on_the_server(PHONE, "light").await;
}

/// The page as Maya sees it, and the bot on the other side.
struct Day {
    sandbox: Sandbox,
    rest: Rest,
    page: Page,
    theme: &'static str,
}

async fn a_day_on_the_server(device: Device, theme: &'static str) {
    let Some(browser) = Browser::start(device).await else { return };
    // The bot reads what people write.
    let options = Options { privileged_intents: true, ..Options::default() };
    let sandbox = start(Options { rate_limits: RateLimits::Relaxed, ..options }).await;
    sandbox.set_role_permissions("bot", ADMINISTRATOR);
    register(&sandbox, json!([{ "name": "log", "description": "Logs", "type": 1 }])).await;
    let rest = Rest::of(&sandbox);
    let bot = Answering::start(&sandbox, answer).await;
    browser
        .visit(async move |page| {
            let day = Day { sandbox, rest, page, theme };
            day.reactions_and_pins().await;
            day.threads().await;
            day.components(bot).await;
            day.direct_messages().await;
            assert_eq!(day.page.complaints().await, [""; 0]);
        })
        .await;
}

impl Day {
    async fn open(&self, channel: &str) {
        let page = &self.sandbox.addresses().page;
        let address = format!("{page}?user=maya&theme={}&channel={channel}", self.theme);
        self.page.open_at(&address).await;
    }

    async fn shot(&self, name: &str) {
        self.page.shot("sandbox", &format!("served-{}-{name}", self.theme)).await;
    }

    /// What the bot's own look at a message brings.
    async fn seen(&self, channel: &str, message: &str) -> Value {
        self.rest.get(&format!("/channels/{channel}/messages/{message}")).await.1
    }

    async fn put(&self, path: &str) {
        let (status, body) = self.rest.call(Method::PUT, path, Value::Null).await;
        assert_eq!(status, 204, "{body}");
    }

    async fn reactions_and_pins(&self) {
        let general = channel(&self.sandbox, "general");
        let message = self.rest.say(&general, json!({ "content": "Ship it on Friday?" })).await;
        let id = text(&message, "id");
        self.put(&format!("/channels/{general}/messages/{id}/reactions/%F0%9F%91%8D/@me")).await;
        let jonas = self.sandbox.user("jonas").unwrap();
        assert!(jonas.react(id, "🎉").await.ok);
        self.open("general").await;
        let chip = |emoji: &str, mine: bool, count: u32| {
            format!(
                "//li[@data-message-id='{id}']//*[@data-testid='reaction'][@data-emoji='{emoji}']\
                 [@aria-pressed='{mine}'][contains(., '{count}')]"
            )
        };
        self.page.click(&chip("👍", false, 1)).await;
        self.page.see(&chip("👍", true, 2)).await;
        self.page.see(&chip("🎉", false, 1)).await;
        self.shot("reactions").await;
        assert_eq!(self.seen(&general, id).await["reactions"][0]["count"], 2);
        self.put(&format!("/channels/{general}/messages/pins/{id}")).await;
        self.page.see("//li[contains(., 'pinned a message to this channel')]").await;
        self.page.click("//*[@data-testid='all-pins']").await;
        self.page.see("//dialog[@open]//*[@data-testid='pin'][contains(., 'Ship it')]").await;
        self.shot("pins").await;
    }

    async fn threads(&self) {
        let shop = channel(&self.sandbox, "web-shop");
        let message = json!({ "content": "The checkout fails above 1000 €" });
        let message = self.rest.say(&shop, message).await;
        let path = format!("/channels/{shop}/messages/{}/threads", text(&message, "id"));
        let name = json!({ "name": "Checkout above 1000 €" });
        let (status, thread) = self.rest.post(&path, name).await;
        assert_eq!(status, 201, "{thread}");
        let thread = text(&thread, "id");
        self.rest.say(thread, json!({ "content": "It is the rounding of the tax" })).await;
        let jonas = self.sandbox.user("jonas").unwrap();
        assert!(jonas.message(thread, "Then round it per line").await.ok);
        self.open("web-shop").await;
        let card = "//*[@data-testid='thread-card'][contains(., 'Checkout above 1000 €')]";
        self.page.see(&format!("{card}[contains(., 'round it per line')]")).await;
        self.shot("threads").await;
        self.page.click(card).await;
        self.page.see("//*[@data-testid='channel-title'][.='Checkout above 1000 €']").await;
        self.page.see("//li[contains(., 'rounding of the tax')]").await;
        self.page.write("//textarea[@data-testid='composer']", "Done so\n").await;
        self.page.see("//li[@data-message-id][contains(., 'Done so')]").await;
        self.shot("thread").await;
        let said = self.rest.get(&format!("/channels/{thread}/messages?limit=1")).await.1;
        assert_eq!(said[0]["content"], "Done so");
        // A closed thread opens again.
        let (status, _) =
            self.rest.patch(&format!("/channels/{thread}"), json!({ "archived": true })).await;
        assert_eq!(status, 200);
        self.open("web-shop").await;
        self.page.click("//*[@data-testid='open-threads']").await;
        let row = "//dialog[@open]//*[@data-testid='thread-row'][contains(., 'Archived')]";
        self.page.see(&format!("{row}[contains(., 'Checkout above')]")).await;
        self.shot("threads-panel").await;
    }

    async fn components(&self, mut bot: Answering) {
        let apps = channel(&self.sandbox, "mobile-app");
        let layout = json!({ "flags": COMPONENTS, "components": [layout()] });
        self.rest.say(&apps, layout).await;
        self.open("mobile-app").await;
        self.page.see("//*[@data-testid='container']//*[@data-testid='section']").await;
        self.shot("components").await;
        self.page.click("//button[@data-custom-id='log']").await;
        self.page.see("//dialog[@open][@data-testid='modal']").await;
        self.shot("label-form").await;
        let field = |id: &str| format!("//dialog[@open]//*[@data-field='{id}']");
        self.page.write(&format!("{}//textarea", field("reason")), "The night was calm").await;
        self.page.click(&format!("{}//*[@data-value='low']", field("risk"))).await;
        self.page.run(CHOOSE, vec![json!("all went well"), json!("run.log")]).await;
        self.page.see(&format!("{}//*[@data-testid='file-chip']", field("log"))).await;
        self.shot("label-form-filled").await;
        self.page.click("//dialog[@open]//*[@data-testid='modal-submit']").await;
        self.page.see("//li[contains(., 'Logged: run.log')]").await;
        self.shot("label-form-answered").await;
        assert_eq!(bot.next().await["data"]["custom_id"], "log");
        let submitted = bot.next().await;
        let values: Vec<&Value> = labels(&submitted).collect();
        assert_eq!(values[0]["value"], "The night was calm");
        assert_eq!(values[1]["value"], "low");
        let file = values[2]["values"][0].as_str().unwrap();
        assert_eq!(submitted["data"]["resolved"]["attachments"][file]["filename"], "run.log");
    }

    async fn direct_messages(&self) {
        let recipient = self.sandbox.addresses().user_id("maya").unwrap().to_owned();
        let path = "/users/@me/channels";
        let (_, dm) = self.rest.post(path, json!({ "recipient_id": recipient })).await;
        let words = json!({ "content": "Two decisions wait for you." });
        self.rest.say(text(&dm, "id"), words).await;
        self.open("general").await;
        if self.page.device.phone {
            self.page.click("//*[@data-testid='open-drawer']").await;
        }
        self.page.click("//*[@data-testid='rail-dms']").await;
        self.page.click("//*[@data-testid='channel'][@data-kind='dm']").await;
        self.page.see("//li[contains(., 'Two decisions wait for you.')]").await;
        self.shot("dm").await;
    }
}

/// What the labels of a submitted form hold.
fn labels(submitted: &Value) -> impl Iterator<Item = &Value> {
    let components = submitted["data"]["components"].as_array().unwrap();
    components.iter().map(|label| &label["component"])
}

/// Opens a form at a click, and tells what was submitted.
fn answer(interaction: &Value) -> Value {
    if interaction["type"] != 5 {
        return json!({ "type": 9, "data": form() });
    }
    let files = interaction["data"]["resolved"]["attachments"].as_object().unwrap();
    let names: Vec<&str> = files.values().map(|file| text(file, "filename")).collect();
    json!({ "type": 4, "data": { "content": format!("Logged: {}", names.join(", ")) } })
}

fn form() -> Value {
    json!({ "custom_id": "log", "title": "The night's run", "components": [
        { "type": 18, "label": "What happened?", "component":
            { "type": 4, "custom_id": "reason", "style": 2 } },
        { "type": 18, "label": "Risk", "description": "Of doing it again", "component":
            { "type": 21, "custom_id": "risk", "options": [
                { "label": "Low", "value": "low" },
                { "label": "High", "value": "high", "description": "A person watches" },
            ] } },
        { "type": 18, "label": "Its log", "component":
            { "type": 19, "custom_id": "log", "max_values": 2 } },
    ] })
}

fn layout() -> Value {
    json!({ "type": 17, "accent_color": 0x5865F2, "components": [
        { "type": 10, "content": "## The night's run\nFour jobs, none failed." },
        { "type": 14 },
        { "type": 9, "components": [{ "type": 10, "content": "Tell how it went." }],
          "accessory": { "type": 2, "style": 1, "label": "Write the log", "custom_id": "log" } },
    ] })
}

/// Puts a file into the form, as if it were dropped there.
const CHOOSE: &str = "
    const [words, name] = arguments;
    const files = new DataTransfer();
    files.items.add(new File([words], name, { type: 'text/plain' }));
    const what = { bubbles: true, cancelable: true, dataTransfer: files };
    document.querySelector('dialog[open] .drop').dispatchEvent(new DragEvent('drop', what));
";
