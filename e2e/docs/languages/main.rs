mod snippet;

use base64::{engine::general_purpose::STANDARD, Engine};
use std::io::BufRead;

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let parts: Vec<Vec<u8>> = line.split('\t').map(|part| STANDARD.decode(part).unwrap()).collect();
        let text = |index: usize| String::from_utf8_lossy(&parts[index]);
        let now = text(5).parse().unwrap();
        let accepted = snippet::verify(&text(0), &text(1), &text(2), &text(3), &parts[4], now);
        println!("{}", u8::from(accepted));
    }
}
