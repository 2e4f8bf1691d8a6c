//! Hash slots as a live server in cluster mode counts them.

use ttlab::cache::cluster::slot;

use super::resp::Answer;
use super::server::Server;

#[test]
fn keys_lie_in_the_slots_of_a_live_server() {
    let Some(server) = Server::start(&["--cluster-enabled", "yes"]) else { return };
    let mut client = server.client();
    let tagged = [
        "{user1000}.following",
        "foo{}{bar}",
        "foo{{bar}}zap",
        "foo{bar}{zap}",
        "foo}bar{",
        "{",
        "}{",
        "ü{é}",
    ];
    let numbered = (0..2_000).map(|number| format!("/images/{}/{number}.webp", number * 7_919 % 311));
    let braced = (0..500).map(|number| format!("a{{{}}}b{number}}}c{{", number % 13));
    for key in tagged.map(String::from).into_iter().chain(numbered).chain(braced) {
        let told = client.ask(&["CLUSTER", "KEYSLOT", &key]);
        assert_eq!(told, Answer::Integer(i64::from(slot(key.as_bytes()))), "{key}");
    }
}
