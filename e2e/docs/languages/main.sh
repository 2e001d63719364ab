. ./snippet.sh
while IFS= read -r line; do
  # An x keeps what is at the end: command substitution takes line breaks away.
  part() { printf %s "$line" | cut -f "$1" | openssl base64 -d -A; printf x; }
  secret=$(part 1) id=$(part 2) timestamp=$(part 3) signatures=$(part 4) now=$(part 6)
  printf %s "$line" | cut -f 5 | openssl base64 -d -A > body
  verify "${secret%x}" "${id%x}" "${timestamp%x}" "${signatures%x}" body "${now%x}"
  case $? in 0) echo 1 ;; 1) echo 0 ;; *) exit 2 ;; esac
done
