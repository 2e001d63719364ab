Code.require_file("snippet.exs", __DIR__)

for line <- IO.stream(:stdio, :line) do
  parts = line |> String.trim_trailing("\n") |> String.split("\t") |> Enum.map(&Base.decode64!/1)
  [secret, id, timestamp, signatures, body, now] = parts
  accepted = Webhook.verify(secret, id, timestamp, signatures, body, String.to_integer(now))
  IO.puts(if accepted, do: 1, else: 0)
end
