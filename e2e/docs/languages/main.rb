require_relative "snippet"

$stdin.each_line(chomp: true) do |line|
  *parts, now = line.split("\t", -1).map { |part| part.unpack1("m0") }
  puts verify(*parts, now.to_i) ? 1 : 0
end
