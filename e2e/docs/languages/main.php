<?php
require __DIR__ . '/snippet.php';

while (($line = fgets(STDIN)) !== false) {
    [$secret, $id, $timestamp, $signatures, $body, $now] = array_map('base64_decode', explode("\t", rtrim($line, "\n")));
    echo verify($secret, $id, $timestamp, $signatures, $body, (int) $now) ? 1 : 0, "\n";
}
