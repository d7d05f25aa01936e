#!/bin/sh
# Ordinary programs at ordinary work, over files that every Linux has: found, hashed, sorted, searched, packed, and thrown away.
# $1: a folder for what they write. $2: the process to stop with. Begins when a line comes on stdin.
read -r _
while kill -0 "$2" 2>/dev/null; do
  find /usr/lib /usr/share /etc -xdev -type f -size -256k 2>/dev/null | head -n 600 | sort >"$1/files"
  xargs -d '\n' sha256sum <"$1/files" 2>/dev/null | sort | gzip -c >"$1/sums.gz"
  tar -cf - -T "$1/files" 2>/dev/null | gzip -1 -c >"$1/files.tar.gz"
  gzip -dc "$1/files.tar.gz" | wc -c >"$1/size"
  xargs -d '\n' grep -c -e the <"$1/files" 2>/dev/null | sort -t : -k 2 -n | tail -n 1 >"$1/most"
  sed -e 's/\//\n/g' "$1/files" | sort | uniq -c | sort -rn >"$1/words"
done
