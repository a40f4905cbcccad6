// SPDX-License-Identifier: GPL-2.0-or-later
/* What a Rust program does to an allocator: collections, threads, a panic that is caught. For live/unwind. */
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::thread;

/* Seeded by a constant: every run makes the same calls. */
type Map = HashMap<String, Vec<usize>, BuildHasherDefault<DefaultHasher>>;

fn count(seed: usize) -> Map {
    let mut map = Map::default();
    for i in 0..60 {
        map.entry(format!("key {}", (i * seed) % 17)).or_default().push(i);
    }
    map
}

fn main() {
    let mut words: Vec<String> = (0..50).map(|i| format!("{:x}", i * 7919 % 101)).collect();
    words.sort();
    words.sort_by_key(|w| w.len());
    let mut sum = 0;
    /* One after the other: gdb's order is the order of the calls, but a race would make other calls. */
    for seed in 1..4 {
        let map = thread::spawn(move || count(seed)).join().unwrap();
        let sorted: BTreeMap<_, _> = map.iter().collect();
        sum += sorted.values().map(|v| v.len()).sum::<usize>();
    }
    let failed = std::panic::catch_unwind(|| words[sum].len());
    println!("{} {} {}", words.join(",").len(), sum, failed.is_err());
}
