use strict;
use warnings;
use FindBin;
use MIME::Base64 qw(decode_base64);

do "$FindBin::Bin/snippet.pl";
die $@ if $@;

while (my $line = <STDIN>) {
    chomp $line;
    my @parts = map { decode_base64($_) } split /\t/, $line, -1;
    print verify(@parts) ? 1 : 0, "\n";
}
