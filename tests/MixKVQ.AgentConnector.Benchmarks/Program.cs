Console.WriteLine("placeholder while the project is laid out");
